import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { CliDeps, EmbeddedOptions } from '../../../src/cli/deps.ts'
import { type Asked, cli, problem } from './a-cli.ts'

const settings = {
  DATABASE_URL: 'postgres://db/axbridge',
  REDIS_URL: 'redis://redis',
  DRACHTIO_URL: 'drachtio://:cymru@127.0.0.1:9022',
  FREESWITCH_URLS: 'freeswitch://:ClueCon@127.0.0.1:8021',
  AXBRIDGE_ADMIN_TOKEN: 'a-token-of-the-test',
}

const bound = {
  id: '1000000000000001',
  poolKey: 'FC100000000000001',
  x: '+8617012345678',
  phoneA: '138****0001',
  phoneB: '139****0002',
  expiresAt: '2030-01-31T15:59:59Z',
  status: 'live',
}

test('serve hands over the settings and the roles', async () => {
  let served: unknown
  const serve = async (given: { DATABASE_URL: string }, roles: readonly string[]) => {
    served = [given.DATABASE_URL, roles]
  }
  expect((await cli(['serve'], { env: settings, serve })).code).toBe(0)
  expect(served).toEqual(['postgres://db/axbridge', ['router', 'api', 'worker']])
  await cli(['serve', '--roles', 'worker, api'], { env: settings, serve })
  expect(served).toEqual(['postgres://db/axbridge', ['api', 'worker']])
})

test('serve names every setting that is missing, in one line', async () => {
  const { code, err } = await cli(['serve'], { env: {} })
  expect(code).toBe(1)
  expect(err).toMatch(/^error: [^\n]+\n$/)
  for (const name of ['DATABASE_URL', 'REDIS_URL', 'DRACHTIO_URL', 'AXBRIDGE_ADMIN_TOKEN']) {
    expect(err).toContain(`${name} is not set`)
  }
})

test('migrate says what it did', async () => {
  const asked: string[] = []
  const migrate = async (url: string) => {
    asked.push(url)
    return asked.length === 1 ? ['0001_core', '0002_call_record'] : []
  }
  const first = await cli(['migrate'], { env: settings, migrate })
  expect(first.out).toBe('0001_core done\n0002_call_record done\n')
  const second = await cli(['migrate', '--database-url', 'postgres://other'], { migrate })
  expect(second.out).toBe('The schema is up to date.\n')
  expect(asked).toEqual(['postgres://db/axbridge', 'postgres://other'])
  expect((await cli(['migrate'], { env: {} })).err).toContain('DATABASE_URL')
})

test('embedded starts what is asked for, prints settings for a shell and stops it', async () => {
  const started: EmbeddedOptions[] = []
  let stopped = 0
  const embedded = async (options: EmbeddedOptions) => {
    started.push(options)
    return {
      drachtioUrl: 'drachtio://:cymru@127.0.0.1:9022',
      redisUrl: undefined,
      sipAddress: '127.0.0.1:5060',
      stop: async () => {
        stopped += 1
      },
    }
  }
  const run = await cli(['embedded', '--sip-port', '5060', '--client-port', '9022'], { embedded })
  expect(run.code).toBe(0)
  expect(run.out).toBe(
    "DRACHTIO_URL='drachtio://:cymru@127.0.0.1:9022'\n# SIP is at 127.0.0.1:5060\n# running; SIGTERM or Ctrl-C stops\n",
  )
  expect(started).toMatchObject([
    {
      dataDir: '/nowhere',
      host: '127.0.0.1',
      start: { postgres: false, redis: false, sip: true, media: false },
      sipPort: 5060,
      clientPort: 9022,
    },
  ])
  await cli(['embedded', '--data', 'here'], { embedded })
  expect(started[1]).toMatchObject({
    dataDir: 'here',
    host: '127.0.0.1',
    start: { postgres: true, redis: true, sip: true, media: true },
  })
  expect(stopped).toBe(2)
})

test('embedded goes on until it is told to stop', async () => {
  const stop = new AbortController()
  let stopped = false
  const running = cli(['embedded', '--redis'], {
    stopped: stop.signal,
    embedded: async () => {
      setImmediate(() => stop.abort())
      return {
        stop: async () => {
          stopped = stop.signal.aborted
        },
      }
    },
  })
  expect((await running).code).toBe(0)
  expect(stopped).toBe(true)
})

test('embedded ends with an error when a part dies', async () => {
  const run = await cli(['embedded', '--redis'], {
    stopped: new AbortController().signal,
    embedded: async (options) => {
      setImmediate(() => options.onExit('redis', 'ended with code 1'))
      return { stop: async () => undefined }
    },
  })
  expect(run.code).toBe(1)
  expect(run.err).toBe('error: a part died: redis ended with code 1\n')
})

test('bind add sends the request with a key of its own and shows the masked answer', async () => {
  const run = await cli(
    [
      ...['bind', 'add', '--pool', 'FC100000000000001', '--a', '13812340001', '--b', '13956780002'],
      ...['--until', '2030-01-31T23:59:59+08:00', '--record', '--ring-seconds', '20'],
      ...['--restrict', 'bx', '--out-id', 'order-7'],
    ],
    { answer: () => Response.json(bound, { status: 201 }) },
  )
  expect(run.code).toBe(0)
  expect(run.out).toBe(
    'Binding 1000000000000001: 138****0001 and 139****0002 reach each other by dialling +8617012345678 until 2030-01-31T15:59:59Z.\n',
  )
  const [asked] = run.asked
  expect(asked).toMatchObject({
    method: 'POST',
    url: 'http://127.0.0.1:8080/v1/bindings',
    body: {
      poolKey: 'FC100000000000001',
      phoneA: '13812340001',
      phoneB: '13956780002',
      expiresAt: '2030-01-31T23:59:59+08:00',
      recording: true,
      ringSeconds: 20,
      callRestrict: 'CONTROL_BX_DISABLE',
      outId: 'order-7',
    },
  })
  expect(asked?.headers['authorization']).toBe('Bearer a-token-of-the-test')
  expect(asked?.headers['idempotency-key']).toMatch(/^[0-9a-f-]{36}$/)
})

test('how long a binding lives is said in one way', async () => {
  const add = ['bind', 'add', '--pool', 'FC100000000000001', '--a', '1', '--b', '2']
  const answer = () => Response.json(bound, { status: 201 })
  const before = Date.now()
  const run = await cli([...add, '--for', '2h', '--key', 'mine'], { answer })
  const { expiresAt } = (run.asked[0] as Asked).body as { expiresAt: string }
  const ahead = Date.parse(expiresAt) - before
  expect(ahead).toBeGreaterThan(7_198_000)
  expect(ahead).toBeLessThan(7_260_000)
  expect(run.asked[0]?.headers['idempotency-key']).toBe('mine')
  expect((await cli(add, { answer })).err).toContain('either --for or --until')
  const both = [...add, '--for', '2h', '--until', '2030-01-31T23:59:59+08:00']
  expect((await cli(both, { answer })).err).toContain('either --for or --until')
  expect((await cli([...add, '--for', 'tomorrow'], { answer })).err).toContain('30m')
})

test('bindings are listed as a table or as JSON, page by page', async () => {
  const answer = () => Response.json({ items: [bound], nextCursor: 'YjE' })
  const table = await cli(['bind', 'list', '--pool', 'FC100000000000001', '--x', '17012345678'], {
    answer,
  })
  expect(table.asked[0]?.url).toBe(
    'http://127.0.0.1:8080/v1/bindings?poolKey=FC100000000000001&x=17012345678&limit=50',
  )
  expect(table.out.split('\n')[0]).toMatch(/^ID +PRODUCT +X +EXT\/GROUP +A +B +EXPIRES +STATUS$/)
  expect(table.out).toContain('138****0001')
  expect(table.out).toContain('--cursor YjE')
  const json = await cli(['bind', 'list', '--json'], { answer })
  expect(JSON.parse(json.out)).toEqual({ items: [bound], nextCursor: 'YjE' })
})

test('a binding is shown and ended by its id', async () => {
  const shown = await cli(['bind', 'get', bound.id], { answer: () => Response.json(bound) })
  expect(JSON.parse(shown.out)).toEqual(bound)
  const ended = await cli(['bind', 'unbind', bound.id], {
    answer: () => new Response(null, { status: 204 }),
  })
  expect(ended.asked[0]).toMatchObject({ method: 'DELETE' })
  expect(ended.out).toBe('Binding 1000000000000001 is over.\n')
  const odd = await cli(['bind', 'get', '../pools'], { answer: () => Response.json(bound) })
  expect(odd.asked[0]?.url).toBe('http://127.0.0.1:8080/v1/bindings/..%2Fpools')
})

test('a refusal of the API is one line with everything it names', async () => {
  const errors = [
    { pointer: 'body/phoneA', detail: 'is not a phone number' },
    { pointer: 'body/x', detail: 'is not a phone number' },
  ]
  const refused = await cli(['bind', 'list'], {
    answer: () => problem(400, { detail: 'See errors.', code: 'request-invalid', errors }),
  })
  expect(refused.code).toBe(1)
  expect(refused.err).toBe(
    'error: body/phoneA is not a phone number; body/x is not a phone number (request-invalid)\n',
  )
  const plain = await cli(['bind', 'list'], {
    answer: () => new Response('gateway', { status: 502 }),
  })
  expect(plain.err).toBe('error: the server answered 502\n')
})

test('an API that is not there is said so, with where it was looked for', async () => {
  const away = await cli(['bind', 'list', '--api', 'http://api.example:1'])
  expect(away.code).toBe(1)
  expect(away.err).toMatch(
    /^error: http:\/\/api\.example:1 does not answer .*is the api role up\?\n$/,
  )
  expect((await cli(['bind', 'list', '--api', 'nonsense'])).err).toContain('not a URL')
  expect((await cli(['bind', 'list'], { env: { AXBRIDGE_DATA: '/nowhere' } })).err).toContain(
    'AXBRIDGE_ADMIN_TOKEN',
  )
})

test('without settings the quickstart that left its facts is asked', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'axbridge-cli-'))
  try {
    const facts = { sip: '127.0.0.1:5060', api: 'http://127.0.0.1:18080', token: 'its-token' }
    await writeFile(join(folder, 'quickstart.json'), JSON.stringify(facts))
    const run = await cli(['cdr', 'list', '--json'], {
      env: { AXBRIDGE_DATA: folder },
      answer: () => Response.json({ items: [] }),
    })
    expect(run.asked[0]?.url).toBe('http://127.0.0.1:18080/v1/calls?limit=50')
    expect(run.asked[0]?.headers['authorization']).toBe('Bearer its-token')
  } finally {
    await rm(folder, { recursive: true })
  }
})

const call = {
  id: '0b8f3c1e-7f0e-4f6f-9d5c-2f1b8a4f4a10',
  x: '+8617012345678',
  caller: '138****0001',
  callee: '139****0002',
  callTime: '2030-01-31T08:00:00.120Z',
  talkSeconds: 64,
  releaseReason: 'normal',
  live: false,
}

test('call records are listed, one is shown', async () => {
  const live = { ...call, live: true, caller: undefined, callee: undefined }
  const listed = await cli(['cdr', 'list', '--live', '--binding', bound.id, '--limit', '2'], {
    answer: () => Response.json({ items: [call, live], nextCursor: 'YzE' }),
  })
  expect(listed.asked[0]?.url).toBe(
    'http://127.0.0.1:8080/v1/calls?bindingId=1000000000000001&live=true&limit=2',
  )
  expect(listed.out).toMatch(/138\*{4}0001 +139\*{4}0002 +normal +64/)
  expect(listed.out).toMatch(/withheld +- +live/)
  expect(listed.out).toContain('--cursor YzE')
  const one = await cli(['cdr', 'get', call.id], { answer: () => Response.json(call) })
  expect(JSON.parse(one.out)).toEqual(call)
})

test('call events are printed as they come, one line each', async () => {
  let asked: unknown
  const run = await cli(['cdr', 'tail'], {
    env: { ...settings, AXBRIDGE_DATA: '/srv/data' },
    async *tailCalls({ redisUrl, keyFile }) {
      asked = { redisUrl, keyFile }
      yield { messageType: 'SecretStartReport' }
      yield { messageType: 'SecretReport' }
    },
  })
  expect(run.out).toBe('{"messageType":"SecretStartReport"}\n{"messageType":"SecretReport"}\n')
  expect(asked).toEqual({ redisUrl: 'redis://redis', keyFile: '/srv/data/number-keys' })
  expect((await cli(['cdr', 'tail'], { env: {} })).err).toContain('REDIS_URL')
})

test('dead events are shown, sent again and read again', async () => {
  const dead = {
    ...{ id: '17-0', group: 'receipts', reason: 'not JSON', eventId: undefined },
    putAsideAt: new Date('2030-01-31T00:00:00Z'),
  }
  const done: unknown[] = []
  const given: Partial<CliDeps> = {
    env: settings,
    useEvents: (url, work) =>
      work({
        dead: async (limit) => (limit === 7 ? [dead] : []),
        resend: async (ids) => ids.length,
        resendAll: async () => 12,
        async replay(group, from) {
          done.push(url, group, from.toISOString())
          return 31
        },
      }),
  }
  expect((await cli(['cdr', 'dead', '--limit', '7'], given)).out).toMatch(
    /2030-01-31T00:00:00.000Z +receipts +- +17-0 +not JSON/,
  )
  const json = await cli(['cdr', 'dead', '--limit', '7', '--json'], given)
  expect(JSON.parse(json.out)).toMatchObject([{ id: '17-0' }])
  expect((await cli(['cdr', 'resend', '17-0', '18-0'], given)).out).toBe('2 sent again.\n')
  expect((await cli(['cdr', 'resend', '--all'], given)).out).toBe('12 sent again.\n')
  expect((await cli(['cdr', 'resend'], given)).err).toContain('give ids, or --all')
  expect((await cli(['cdr', 'resend', 'one'], given)).err).toContain('is no id')
  const again = ['cdr', 'replay', 'receipts', '--since']
  const replayed = await cli([...again, '2030-01-31T08:00:00+08:00'], given)
  expect(replayed.out).toBe('receipts reads 31 events again.\n')
  expect(done).toEqual(['redis://redis', 'receipts', '2030-01-31T00:00:00.000Z'])
  expect((await cli([...again, 'noon'], given)).err).toContain('RFC 3339')
})
