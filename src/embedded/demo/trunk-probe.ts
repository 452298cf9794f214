import { setTimeout as sleep } from 'node:timers/promises'
import { createUserAgent } from '../sip/user-agent.ts'

export type TrunkProbe = {
  /** Whether the engine takes this machine for a trunk: only a trunk's OPTIONS gets a 200. */
  waitUntil(standing: 'known' | 'stranger'): Promise<void>
  stop(): Promise<void>
}

/** Routers read their trunks anew every few seconds. Later than this the call will show what is wrong. */
const msMax = 15_000

export async function createTrunkProbe(host: string, sip: string): Promise<TrunkProbe> {
  const agent = createUserAgent({
    host,
    port: 0,
    transports: ['udp'],
    userAgent: 'axbridge-phone',
    onRequest: () => undefined,
  })
  await agent.start()

  const isKnown = () =>
    new Promise<boolean>((resolve) => {
      const sent = agent.request({
        method: 'OPTIONS',
        uri: `sip:${sip}`,
        onResponse: ({ status }) => resolve(status === 200),
      })
      if (!sent.ok) resolve(false)
      // Strangers may get no answer at all.
      setTimeout(() => resolve(false), 500)
    })

  return {
    async waitUntil(standing) {
      const until = Date.now() + msMax
      while (Date.now() < until) {
        if ((await isKnown()) === (standing === 'known')) return
        await sleep(200)
      }
    },
    stop: () => agent.stop(),
  }
}
