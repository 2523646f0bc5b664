export interface Address {
  readonly host: string;
  readonly port: number;
}

/** As it is shown. */
export function addressText({ host, port }: Address): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/**
 * The addresses of one endpoint, in the order in which they are tried. Any of them may lead to what is wanted, as with
 * the hosts of libpq's connection strings; which one does is found out by asking.
 */
export class AddressOrder {
  #addresses: readonly Address[];
  readonly #spread: boolean;

  /** @param spread - whether all of them serve: connections are then spread over them. Else the one that did is kept. */
  constructor(addresses: readonly Address[], spread: boolean) {
    this.#addresses = addresses;
    this.#spread = spread;
  }

  /** @param beside - attempts that are under way: they begin with the addresses before. */
  inTurn(beside: number): readonly Address[] {
    const all = this.#addresses;
    const first = beside % all.length;
    return [...all.slice(first), ...all.slice(0, first)];
  }

  failed(address: Address): void {
    this.#putLast(address);
  }

  succeeded(address: Address): void {
    if (this.#spread) this.#putLast(address);
  }

  #putLast(address: Address): void {
    this.#addresses = [...this.#addresses.filter((each) => each !== address), address];
  }
}
