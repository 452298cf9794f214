import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { readDemoOptions } from '../../../../src/embedded/demo/demo-options.ts'

const quiet = () => undefined
/** A server elsewhere: its ports are not ours to check. */
const elsewhere = { DRACHTIO_URL: 'drachtio://:s@192.0.2.1:9022' }

async function withTakenPort<T>(work: (port: number) => Promise<T>): Promise<T> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    return await work((server.address() as AddressInfo).port)
  } finally {
    server.close()
  }
}

test('a port that was asked for and is taken is named', async () => {
  await withTakenPort(async (port) => {
    const env = { ...elsewhere, HTTP_PORT: String(port) }
    await expect(readDemoOptions(env, [], quiet)).rejects.toThrow(
      `port ${port}/tcp is taken; set HTTP_PORT to choose another`,
    )
    await expect(readDemoOptions({ SIP_PORT: String(port) }, [], quiet)).rejects.toThrow(
      `port ${port}/tcp is taken; set SIP_PORT`,
    )
  })
})

test('what is set in the environment is taken, and an empty setting is none', async () => {
  const env = {
    ...elsewhere,
    SIP_PORT: '15060',
    AXBRIDGE_DATA: '/var/lib/axbridge',
    AXBRIDGE_ADMIN_TOKEN: '',
    REDIS_URL: '',
  }
  expect(await readDemoOptions(env, ['--once'], quiet)).toMatchObject({
    once: true,
    dataDir: '/var/lib/axbridge',
    sipPort: 15_060,
    adminToken: undefined,
    callee: undefined,
    elsewhere: { redisUrl: undefined, drachtioUrl: elsewhere.DRACHTIO_URL },
  })
})

test.each([
  ['192.0.2.7', { host: '192.0.2.7', port: 5060, transport: 'udp' }],
  ['phone.example:5070', { host: 'phone.example', port: 5070, transport: 'udp' }],
  ['sip:192.0.2.7:5070;transport=TCP', { host: '192.0.2.7', port: 5070, transport: 'tcp' }],
])('DEMO_TRUNK=%s says where calls to B go', async (text, callee) => {
  const options = await readDemoOptions({ ...elsewhere, DEMO_TRUNK: text }, [], quiet)
  expect(options.callee).toEqual(callee)
})

test('nonsense is refused in words', async () => {
  const refusal = (env: Record<string, string>, args: string[] = []) =>
    readDemoOptions({ ...elsewhere, ...env }, args, quiet)
  await expect(refusal({ SIP_PORT: 'x' })).rejects.toThrow('SIP_PORT must be a port')
  await expect(refusal({ DEMO_TRUNK: 'a b' })).rejects.toThrow('DEMO_TRUNK must look like')
  await expect(refusal({}, ['--twice'])).rejects.toThrow('unknown option --twice')
})
