import { demoNumbers } from './provision.ts'
import type { Demo, Story } from './run-demo.ts'

/** What happened, point by point, for a person to read. */
export function storyText(demo: Demo, { points, record }: Story): string {
  const { binding } = demo.provisioned
  const held = points.filter((each) => each.held).length
  const lines = [
    '',
    `A (${binding.phoneA}) called X (${binding.x}), which is bound to B (${binding.phoneB}).`,
    '',
    ...points.map((point) => `  ${point.held ? '✓' : '✗'} ${point.text}`),
    '',
    ...(record === undefined ? [] : ['The call record:', JSON.stringify(record, null, 2), '']),
    held === points.length
      ? `All ${held} points held.`
      : `${points.length - held} of ${points.length} points did not hold.`,
  ]
  return `${lines.join('\n')}\n`
}

/** How to go on from here. */
export function howToText(demo: Demo): string {
  const { sip, api, provisioned } = demo
  const [, x = provisioned.binding.x] = provisioned.numbers
  const body = JSON.stringify({
    poolKey: provisioned.poolKey,
    phoneA: '13800000009',
    phoneB: '13900000009',
    x,
    expiresAt: new Date(Date.now() + 86_400_000).toISOString().slice(0, 19).concat('Z'),
    ringback: demoNumbers.ringback,
    recording: true,
  })
  return `
AXBridge is up. Ctrl-C stops everything; what was written stays in ${demo.dataDir}.

  SIP     ${sip} (UDP and TCP)
  API     ${api.url}/v1
  Docs    ${api.url}/docs
  Token   ${api.token}
  Facts   ${demo.dataDir}/quickstart.json
  Logs    ${demo.dataDir}/log
  Tools   set -a; . ${demo.dataDir}/engine.env; set +a; npx axbridge --help

To call with a softphone on this machine (Linphone, baresip, Zoiper):
  1. Bind a number of your own choice, here 13800000009, to an X number:

     curl -s ${api.url}/v1/bindings -H 'authorization: Bearer ${api.token}' \\
       -H 'content-type: application/json' -d '${body}'

  2. Give the softphone an account without registration: user name 13800000009, domain ${sip}.
  3. Call sip:${x}@${sip}. The demo's B rings, answers and speaks.

To be called yourself instead of the demo's B, start again with DEMO_TRUNK=<host:port of your phone>.
`
}
