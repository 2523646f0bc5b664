/** Started as a process of its own by tests that kill it: owns a cluster and says where it is. */
import { startCluster, type ClusterOptions } from '../../src/index.ts';

const options = JSON.parse(process.argv[2] ?? '{}') as ClusterOptions;
try {
  const cluster = await startCluster(options);
  process.stdout.write(
    `${JSON.stringify({
      connectionString: cluster.connectionString(),
      addresses: [
        ...Object.values(cluster.endpoints),
        ...cluster.servers.map(({ host, port }) => ({ host, port })),
      ],
      uid: process.getuid?.(),
    })}\n`,
  );
  process.once('SIGTERM', () => void cluster.stop());
} catch (error) {
  process.stdout.write(`${JSON.stringify({ error: (error as Error).message })}\n`);
}
