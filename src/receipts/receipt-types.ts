import { type Static, type TObject, Type } from 'typebox'

/**
 * What customers are told, by the vendor's names (product-semantics 4). One source for the code,
 * the tests and docs/receipts.md: field names, types and their oddities are the vendor's, the
 * fields that it does not document are ours and say so.
 */

const text = (description: string, example: string) =>
  Type.String({ description, examples: [example] })
const time = (description: string, example = '2026-11-24 10:00:00') =>
  Type.String({
    description: `${description} Beijing time.`,
    pattern: '^\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d$',
    examples: [example],
  })
const int = (description: string, example: number) =>
  Type.Integer({ description, examples: [example] })
const callType = (types: string) => int(types, 0)

const poolKey = text('Key of the pool.', 'FC100000137458124')
const partnerKey = text('The same as `pool_key`.', 'FC100000137458124')
const subId = int('The binding. 0: the call met none.', 1_000_000_000_000_007)
const callId = Type.String({
  description: 'The call.',
  maxLength: 100,
  examples: ['0b8f3c1e-7f0e-4f6f-9d5c-2f1b8a4f4a10'],
})
const secretNo = text('X.', '17000000001')
const city = text('City of X; empty when it has none.', '杭州')
const outId = Type.Optional(text('Of the binding, when it has one.', 'order-7'))
const eventId = text('Stable: the same for the same event, however often it comes.', 'call:end')

const callParties = {
  pool_key: poolKey,
  sub_id: subId,
  call_id: callId,
  phone_no: text('A, whoever called; empty when withheld.', '13800000001'),
  secret_no: secretNo,
  peer_no: text('B, or whoever is on the other side of A.', '13900000002'),
  call_type: callType('0 A called the peer, 1 the peer called A, 4 intercepted.'),
  call_time: time('The caller dialled.'),
  city,
  out_id: outId,
}

const startFields = {
  id: eventId,
  partner_key: partnerKey,
  ...callParties,
  called_display_no: text('What the callee saw: X; empty when nobody was called.', '17000000001'),
  unconnected_cause: int('0 none, 1 blacklist, 2 no binding, 3 call restriction, 4 other.', 0),
  control_type: text('`CONTINUE` when routed, otherwise `REJECT`.', 'CONTINUE'),
  control_msg: text('`OK` when routed; otherwise why not, such as `NO_SUBS_EXIST`.', 'OK'),
}

const endFields = {
  ...startFields,
  call_out_time: time('The callee was dialled; as `call_time` if never.'),
  ring_time: time('The callee’s network rang; as `call_out_time` if never.'),
  free_ring_time: time('The handset rang, as far as it is told.'),
  start_time: time('The answer; as `release_time` if there was none.'),
  release_time: time('The end. From `start_time` to here is the talk.', '2026-11-24 10:01:30'),
  release_dir: int('0 platform, 1 caller, 2 callee.', 1),
  release_cause: int('Q.850.', 16),
  record_url: text('Where the recording is; empty when there is none.', ''),
  ring_record_url: text('Where the recording of the ringing is; empty when there is none.', ''),
  sms_number: int('Segments of a text message; 0 for a call.', 0),
  extension: Type.Optional(text('Digits that were dialled after X.', '12')),
}

const bill = {
  item: text('What is charged (ours; the vendor does not tell its own).', 'AXB-CALL'),
  fee: int('In 1/1000 yuan (ours).', 110),
}

const alarmFields = {
  id: text(
    'Stable: the same for the same event, however often it comes.',
    'alarm:1000000001:raised',
  ),
  version: int('Of this form. A field more does not change it.', 1),
  alarm_id: text('The alarm: the same in all that is told of it.', '1000000001'),
  kind: text(
    '`pool-utilisation`, `push-failing`, `trunk-down`, `media-host-down`, `journal-filling` or `certification-expiring`.',
    'trunk-down',
  ),
  state: text('`raised`, `worse` (only of certification-expiring) or `cleared`.', 'raised'),
  subject: text(
    'What it is about: a pool, message type, trunk, media host, journal or certifier.',
    'carrier-1',
  ),
  detail: text(
    'One sentence for humans, as of when it was raised.',
    '203.0.113.10:5060 does not answer OPTIONS.',
  ),
  pool_key: Type.Optional(poolKey),
  percent: Type.Optional(
    Type.Number({
      description: 'Of what the pool can bind, or of the journal, when it was raised.',
      examples: [80.5],
    }),
  ),
  threshold: Type.Optional(
    int('pool-utilisation: per cent; certification-expiring: days left, 30, 7, 1 or 0.', 80),
  ),
  routers: Type.Optional(int('Routers that saw it when it was raised.', 1)),
  routers_in_all: Type.Optional(int('Of so many.', 2)),
  numbers: Type.Optional(
    Type.Array(secretNo, { description: 'Some of the X of certification-expiring, 20 at most.' }),
  ),
  number_count: Type.Optional(int('How many X there are.', 1)),
  certified_until: Type.Optional(time('Until then somebody stands for them.')),
  raised_at: time('It was raised.'),
  cleared_at: Type.Optional(time('It was over.', '2026-11-24 10:01:30')),
  cleared_because: Type.Optional(
    text('`over`: it is well again; `unwatched`: nobody is there any more who could tell.', 'over'),
  ),
}

const schemas = {
  SecretStartReport: Type.Object(startFields, { description: 'A call came in.' }),
  SecretRingReport: Type.Object(
    { ...callParties, ring_time: time('The callee’s network rang.') },
    { description: 'The callee rings.' },
  ),
  SecretPickUpReport: Type.Object(
    {
      ...callParties,
      ring_time: time('The callee’s network rang.'),
      start_time: time('The answer.'),
    },
    { description: 'The callee has answered.' },
  ),
  SecretReport: Type.Object(endFields, {
    description: 'A call is over; also one that was refused.',
  }),
  SecretRecording: Type.Object(
    {
      id: eventId,
      pool_key: poolKey,
      sub_id: subId,
      call_id: callId,
      call_time: int('The caller dialled; milliseconds since 1970.', 1_795_485_600_000),
      out_id: outId,
    },
    { description: 'A recording can be fetched.' },
  ),
  SecretAsrReport: Type.Object(
    {
      callId,
      partnerKey: poolKey,
      secretNo,
      bizDuration: int('Length of the recording in milliseconds.', 61_000),
      statusCode: text('`21050000`: done.', '21050000'),
      sentences: Type.Array(
        Type.Object({
          beginTime: int('Milliseconds from the beginning.', 340),
          endTime: int('Milliseconds from the beginning.', 2_800),
          channelId: int('0 the caller, 1 the callee.', 0),
          emotionValue: text('1 to 10.', '5.5'),
          silenceDuration: text('Seconds of silence before it.', '0'),
          speechRate: text('Words a minute.', '148'),
          text: text('What was said.', '你好'),
        }),
      ),
    },
    { description: 'What was said, in writing.' },
  ),
  SecretSmsIntercept: Type.Object(
    {
      id: eventId,
      partner_key: partnerKey,
      pool_key: poolKey,
      out_id: outId,
      sub_id: subId,
      sms_type: int('1 intercepted, 3 sent on.', 1),
      send_no: text('Who sent it.', '13900000002'),
      secret_no: secretNo,
      receive_no: text('Whom it is for; empty when that is not known.', '13800000001'),
      sms_content: text('The text.', '到了'),
      sms_sign: Type.Optional(text('The signature that it was sent on with.', '号码隐私保护')),
      status: Type.Optional(int('1 sent on, 2 failed.', 1)),
      sms_intercept_type: text(
        '`NORMAL`, `SUBS_NOT_EXISTS`, `CONTROL_DISABLE` or `CALLED_NOT_EXISTS`.',
        'NORMAL',
      ),
      call_id: callId,
      code: Type.Optional(
        text('`DELIVRD`, `REJECTD`, `UNDELIV`, `EXPIRED` or `ACCEPTD`.', 'DELIVRD'),
      ),
      start_time: time('It was received.'),
    },
    { description: 'A text message came to X.' },
  ),
  SecretBillingCallReport: Type.Object(
    {
      ...endFields,
      charge_seconds: int('Seconds that count (ours).', 90),
      charge_minutes: int('Minutes that are charged (ours).', 2),
      ...bill,
    },
    { description: 'A call was charged.' },
  ),
  SecretBillingSmsReport: Type.Object(
    {
      id: eventId,
      partner_key: partnerKey,
      pool_key: poolKey,
      sub_id: subId,
      call_id: callId,
      secret_no: secretNo,
      sms_number: int('Segments that are charged.', 1),
      start_time: time('It was received.'),
      out_id: outId,
      ...bill,
    },
    { description: 'A text message was charged.' },
  ),
  SecretExceptionPhoneReport: Type.Object(
    {
      secretNo,
      partnerKey: poolKey,
      noStatus: int('0 faulty, 1 normal.', 0),
      timestamp: int('Milliseconds since 1970.', 1_795_485_600_000),
    },
    { description: 'An X became faulty, or is well again.' },
  ),
  NumberManagementReport: Type.Object(
    {
      secret_no: secretNo,
      city,
      partner_key: poolKey,
      operating_time: time('It was done.'),
      status: int('1 new, 2 gone.', 1),
      vendor: Type.Optional(int('1 Mobile, 2 Unicom, 3 Telecom.', 2)),
    },
    { description: 'An X was bought or released.' },
  ),
  AlarmReport: Type.Object(alarmFields, {
    description:
      'An alarm was raised, got worse, or is over. Ours; the vendor has nothing like it. What each kind means: operations.md.',
  }),
} as const satisfies Readonly<Record<string, TObject>>

export type MessageType = keyof typeof schemas
export type Receipt<Of extends MessageType> = Static<(typeof schemas)[Of]>

export const messageTypes = Object.keys(schemas) as readonly MessageType[]

export function receiptSchema(type: MessageType): TObject {
  return schemas[type]
}
