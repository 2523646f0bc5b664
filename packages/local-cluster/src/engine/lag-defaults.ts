export const LAG_DEFAULTS = { lagMs: 5_000 } as const;
