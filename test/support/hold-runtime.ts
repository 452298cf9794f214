import { startEmbedded } from '../../src/embedded/start-embedded.ts'

/**
 * Starts the private services in the folder given, prints their facts as one line, and stays until
 * it is ended. With a uid it becomes that user first: once everything is loaded, because the
 * project may lie where only root can read.
 */
const [dataDir = '', uid = ''] = process.argv.slice(2)
if (uid !== '') {
  process.setgroups?.([])
  process.setgid?.(Number(uid))
  process.setuid?.(Number(uid))
}
const runtime = await startEmbedded({
  dataDir,
  start: { postgres: true, redis: true, sip: false, media: false },
  durable: false,
})
process.stdout.write(
  `${JSON.stringify({ pids: runtime.pids(), databaseUrl: runtime.databaseUrl, redisUrl: runtime.redisUrl })}\n`,
)
process.once('SIGTERM', () => void runtime.stop().then(() => process.exit(0)))
setInterval(() => undefined, 60_000)
