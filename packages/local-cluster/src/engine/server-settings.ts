import type { ResolvedOptions } from '../options.ts';
import type { Layout } from './layout.ts';

/** Settings of PostgreSQL that every server of every engine has, the user's own among them. */
export function serverSettings(options: ResolvedOptions, layout: Layout): Record<string, string> {
  return {
    // No socket file means none that could be left behind, or be too long for its address.
    unix_socket_directories: '',
    max_connections: String(options.maxConnections),
    // The supervisor and those who watch must get in when clients have taken every place: the default of 3 was too
    // few for them, and a server that was merely full was reported as failed.
    superuser_reserved_connections: String(Math.min(10, Math.floor(options.maxConnections / 2))),
    shared_buffers: '64MB',
    // Kept inside the data directory: in /dev/shm a killed server would leave it behind.
    dynamic_shared_memory_type: 'mmap',
    ssl: 'on',
    ssl_cert_file: layout.certificateFile,
    ssl_key_file: layout.keyFile,
    password_encryption: 'scram-sha-256',
    wal_level: 'replica',
    track_commit_timestamp: 'on',
    hot_standby: 'on',
    max_wal_senders: '16',
    max_replication_slots: '16',
    // A standby must find its WAL after it was down for a while, the disk must not fill up for one that never returns.
    wal_keep_size: '256MB',
    max_slot_wal_keep_size: '1GB',
    max_wal_size: '1GB',
    // 5 s by default: a standby would idle that long before it asks the new primary again.
    wal_retrieve_retry_interval: '200ms',
    wal_receiver_status_interval: '1s',
    recovery_target_timeline: 'latest',
    log_line_prefix: '%m [%p] %a ',
    log_checkpoints: 'off',
    ...(options.diskMb === false ? {} : walWithin(options.diskMb)),
    ...options.settings,
  };
}

/** On a small disk WAL that is kept for standbys must not be what fills it. Two segments are the least PostgreSQL takes. */
function walWithin(diskMb: number): Record<string, string> {
  const share = (ratio: number, most: number) =>
    `${Math.min(most, Math.max(32, Math.floor(diskMb * ratio)))}MB`;
  return {
    wal_keep_size: share(1 / 8, 256),
    max_slot_wal_keep_size: share(1 / 4, 1_024),
    max_wal_size: share(1 / 4, 1_024),
    min_wal_size: '32MB',
  };
}
