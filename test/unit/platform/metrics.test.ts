import { expect, test } from 'vitest'
import { createMetrics } from '../../../src/platform/metrics.ts'

test('the engine counts what operations people ask for', async () => {
  const metrics = createMetrics()
  metrics.callsStarted.inc({ trunk: 'demo' })
  metrics.callsEnded.inc({ reason: 'callee-busy' })
  metrics.callsLive.set(3)
  metrics.postDialDelay.observe(0.42)
  metrics.resolves.inc({ source: 'redis' })
  metrics.journalBacklog.set(7)
  metrics.mediaHostUp.set({ host: '127.0.0.1:8021' }, 1)
  metrics.sipServerUp.set({ server: '127.0.0.1:9022' }, 0)
  const text = await metrics.registry.metrics()

  expect(text).toContain('axbridge_calls_ended_total{reason="callee-busy"} 1')
  expect(text).toContain('axbridge_calls_live 3')
  expect(text).toContain('axbridge_post_dial_delay_seconds_bucket{le="0.5"} 1')
  expect(text).toContain('axbridge_resolves_total{source="redis"} 1')
  expect(text).toContain('axbridge_journal_backlog_events 7')
  expect(text).toContain('axbridge_media_host_up{host="127.0.0.1:8021"} 1')
  expect(text).toContain('axbridge_sip_server_up{server="127.0.0.1:9022"} 0')
  expect(text).toContain('nodejs_eventloop_lag_p99_seconds')
})

test('gauges that are watched are read when somebody asks', async () => {
  const metrics = createMetrics()
  let live = 1
  metrics.watch({ callsLive: () => live, journalBacklog: () => 5 })
  live = 2
  const text = await metrics.registry.metrics()
  expect(text).toContain('axbridge_calls_live 2')
  expect(text).toContain('axbridge_journal_backlog_events 5')
})

test('two engines in one process count apart', async () => {
  const [first, second] = [createMetrics(), createMetrics()]
  first.callsLive.set(1)
  expect(await second.registry.metrics()).toContain('axbridge_calls_live 0')
})

test('no label could hold a number', async () => {
  const { registry } = createMetrics()
  const own = registry.getMetricsAsArray().filter((each) => each.name.startsWith('axbridge_'))
  const labels = own.flatMap((each) => ('labelNames' in each ? (each.labelNames as string[]) : []))
  const closed = [
    'trunk',
    'reason',
    'source',
    'host',
    'server',
    'method',
    'route',
    'status',
    'type',
    'outcome',
    'way',
    'kind',
  ]
  expect(labels.filter((label) => !closed.includes(label))).toEqual([])
})
