import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { rounded, table } from '../test/support/table.ts'
import { benchBindings } from './bench-bindings.ts'
import { benchCall } from './bench-call.ts'
import { type Comparison, type Fact, median } from './bench-comparison.ts'
import { benchEvents } from './bench-events.ts'
import { benchResolve } from './bench-resolve.ts'
import { benchRpc } from './bench-rpc.ts'

const benches = ['call', 'resolve', 'bindings', 'rpc', 'events']
const ordinarySizes = '10000,100000,1000000'
const allSizes = `${ordinarySizes},5000000`

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: 'string', default: '3' },
      rate: { type: 'string', default: '10' },
      calls: { type: 'string', default: '100' },
      hold: { type: 'string', default: '5' },
      media: { type: 'boolean', default: false },
      binds: { type: 'string', default: '4000' },
      up: { type: 'string', default: '500' },
      sizes: { type: 'string' },
      full: { type: 'boolean', default: false },
      json: { type: 'string' },
    },
  })
  const wanted = positionals.length === 0 ? benches : positionals
  const unknown = wanted.find((name) => !benches.includes(name))
  if (unknown !== undefined) {
    throw new Error(`there is no bench '${unknown}', only ${benches.join(', ')}`)
  }
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
  const facts: Fact[] = []
  if (wanted.includes('bindings')) {
    const sizes = (values.sizes ?? (values.full ? allSizes : ordinarySizes)).split(',').map(Number)
    const bindings = { ...shape, count: Number(values.binds), numbers: 10_000, sizes }
    const found = await benchBindings(bindings)
    results.push(...found.comparisons)
    facts.push(...found.facts)
  }
  if (wanted.includes('rpc')) {
    const count = Number(values.binds)
    results.push(...(await benchRpc({ ...shape, rounds: 3 * shape.rounds, count })))
  }
  if (wanted.includes('events')) {
    const events = { calls: 5_000, up: Number(values.up), delayCalls: 300 }
    const found = await benchEvents({ ...shape, ...events })
    results.push(...found.comparisons)
    facts.push(...found.facts)
  }
  if (wanted.includes('resolve')) results.push(...(await benchResolve(shape)))
  if (wanted.includes('call')) results.push(...(await benchCall(shape)))

  say(`\n${comparisonsTable(results)}`)
  if (facts.length > 0) say(`\n${factsTable(facts)}`)
  if (values.json !== undefined) {
    await writeFile(values.json, JSON.stringify([...results, ...facts], undefined, 2))
  }
}

function comparisonsTable(results: readonly Comparison[]): string {
  return table([
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
  ])
}

function factsTable(facts: readonly Fact[]): string {
  const rows = facts.map(({ name, value, unit }) => [name, Math.round(value), unit])
  return table([['', 'seen', 'unit'], ...rows])
}

main().catch((err: unknown) => {
  process.stderr.write(`error: ${err instanceof Error ? err.message : String(err)}\n`)
  process.exitCode = 1
})
