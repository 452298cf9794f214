import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { rounded, table } from '../test/support/table.ts'
import { benchCall } from './bench-call.ts'
import { type Comparison, median } from './bench-comparison.ts'
import { benchResolve } from './bench-resolve.ts'

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: 'string', default: '3' },
      rate: { type: 'string', default: '10' },
      calls: { type: 'string', default: '100' },
      hold: { type: 'string', default: '5' },
      media: { type: 'boolean', default: false },
      json: { type: 'string' },
    },
  })
  const wanted = positionals.length === 0 ? ['call', 'resolve'] : positionals
  const unknown = wanted.filter((name) => name !== 'call' && name !== 'resolve')
  if (unknown.length > 0)
    throw new Error(`there is no bench '${unknown[0]}', only call and resolve`)
  const say = (text: string) => void process.stdout.write(`${text}\n`)
  const shape = {
    rounds: Number(values.rounds),
    callsPerSecond: Number(values.rate),
    calls: Number(values.calls),
    holdSeconds: Number(values.hold),
    media: values.media,
    say,
  }
  const results: Comparison[] = []
  if (wanted.includes('resolve')) results.push(...(await benchResolve(shape)))
  if (wanted.includes('call')) results.push(...(await benchCall(shape)))

  say('')
  say(
    table([
      ['comparison', 'unit', 'ours', 'bare', 'ratio', 'goal', ''],
      ...results.map((each) => [
        each.name,
        each.unit,
        rounded(median(each.ours), 2),
        rounded(median(each.bare), 2),
        rounded(each.ratio, 2),
        each.goal,
        each.isMet ? 'met' : 'missed',
      ]),
    ]),
  )
  if (values.json !== undefined) await writeFile(values.json, JSON.stringify(results, undefined, 2))
}

main().catch((err: unknown) => {
  process.stderr.write(`error: ${err instanceof Error ? err.message : String(err)}\n`)
  process.exitCode = 1
})
