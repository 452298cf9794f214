import { randomUUID } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command } from 'commander'
import { type CliDeps, CliError } from './deps.ts'
import { checkDrachtio } from './doctor/drachtio-check.ts'
import { checkFolder, checkKeyFile } from './doctor/file-checks.ts'
import { type Check, type Finding, runCheck } from './doctor/finding.ts'
import { checkFreeswitch } from './doctor/freeswitch-check.ts'
import { checkKafka } from './doctor/kafka-check.ts'
import { checkPort } from './doctor/port-check.ts'
import { checkPostgres } from './doctor/postgres-check.ts'
import { checkRedis } from './doctor/redis-check.ts'
import { checkSettings } from './doctor/settings-check.ts'
import { dataFolder, placesOf } from './places.ts'

const help = `
One line each: ok, warn or FAIL, and what to do. Exit code 1 when anything failed. Changes nothing.

Example:
  axbridge doctor --json | jq '.[] | select(.status != "ok")'`

export function addDoctorCommand(program: Command, deps: CliDeps): void {
  program
    .command('doctor')
    .description('Check the settings, every connection, ports, keys, folders and the clock.')
    .option('--json', 'print the findings as a JSON array')
    .addHelpText('after', help)
    .action(async (options: { json?: boolean }) => {
      const findings = await examine(deps)
      deps.out(
        options.json === true
          ? `${JSON.stringify(findings)}\n`
          : findings.map((each) => findingLine(each)).join(''),
      )
      const failed = findings.filter((each) => each.status === 'fail').length
      if (failed > 0) throw new CliError(`${failed} of ${findings.length} checks failed`)
    })
}

/** All at once, reported in the order of this list. Faulty settings do not stop the checks of the good ones. */
async function examine(deps: CliDeps): Promise<Finding[]> {
  const { env } = deps
  const { DATABASE_URL: databaseUrl, REDIS_URL: redisUrl } = env
  const folders = placesOf(env)
  const folder = (name: string, path: string) => only(name, () => checkFolder(name, path))
  const checks: [part: string, check: Check][] = [
    only('settings', async () => checkSettings(env)),
    ...(databaseUrl === undefined ? [] : [only('postgres', () => checkPostgres(databaseUrl))]),
    ...(redisUrl === undefined ? [] : [only('redis', () => checkRedis(redisUrl))]),
    only('kafka', () => checkKafka(env)),
    ...urlsOf(env.DRACHTIO_URL).map((url) => only('drachtio', () => checkDrachtio(url))),
    only('freeswitch', () => checkMedia(urlsOf(env.FREESWITCH_URLS), folders.recordings)),
    ...portChecks(deps),
    only('key file', () => checkKeyFile(folders.keyFile)),
    folder('data', dataFolder(env)),
    folder('journal', folders.journal),
    folder('recordings', folders.recordings),
  ]
  return (await Promise.all(checks.map(([part, check]) => runCheck(part, check)))).flat()
}

const only = (part: string, check: Check): [string, Check] => [part, check]

/** With a file of ours in the folder of the recordings, for the hosts to find. */
async function checkMedia(urls: readonly string[], recordings: string): Promise<Finding[]> {
  const probe = join(recordings, `.doctor-${randomUUID()}`)
  const made = await writeFile(probe, 'probe').then(
    () => true,
    () => false,
  )
  try {
    const findings = await Promise.all(
      urls.map((url) =>
        runCheck('freeswitch', () => checkFreeswitch(url, made ? probe : undefined)),
      ),
    )
    return findings.flat()
  } finally {
    await rm(probe, { force: true })
  }
}

function portChecks({ env, fetch }: CliDeps): [string, Check][] {
  const ports = [
    { part: 'http', host: 'HTTP_HOST', setting: 'HTTP_PORT', fallback: '8080' },
    { part: 'media', host: 'MEDIA_LISTEN_HOST', setting: 'MEDIA_LISTEN_PORT', fallback: '0' },
  ] as const
  // 0 takes whatever is free.
  const fixed = ports.filter(({ setting, fallback }) => (env[setting] ?? fallback) !== '0')
  return fixed.map(({ part, host, setting, fallback }) => {
    const options = {
      part,
      host: env[host] ?? '127.0.0.1',
      port: Number(env[setting] ?? fallback),
      setting,
      fetch,
    }
    return [`${part} port`, () => checkPort(options)]
  })
}

/** Those that can be read at all; the settings check speaks of the others. */
function urlsOf(list: string | undefined): string[] {
  const urls = (list ?? '').split(',').map((each) => each.trim())
  return urls.filter((each) => URL.canParse(each))
}

function findingLine({ part, status, detail, todo }: Finding): string {
  const mark = status === 'fail' ? 'FAIL' : status
  const advice = todo === undefined ? '' : `: ${todo}`
  return `${mark.padEnd(4)}  ${part}: ${detail}${advice}\n`
}
