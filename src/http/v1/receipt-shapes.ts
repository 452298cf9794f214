import { Type } from 'typebox'

/** Those of `messageTypes` in src/receipts/receipt-types.ts: a test compares them. */
export const messageTypeShape = Type.Enum(
  [
    'SecretStartReport',
    'SecretRingReport',
    'SecretPickUpReport',
    'SecretReport',
    'SecretRecording',
    'SecretAsrReport',
    'SecretSmsIntercept',
    'SecretBillingCallReport',
    'SecretBillingSmsReport',
    'SecretExceptionPhoneReport',
    'NumberManagementReport',
    'AlarmReport',
  ],
  { description: 'What is told: docs/receipts.md lists the fields of each.' },
)

export const discardQuery = {
  discard: Type.Optional(
    Type.Boolean({ description: '`true`: what nobody has had yet is thrown away.' }),
  ),
}

export const receiptIdShape = Type.String({
  pattern: '^[1-9]\\d{0,17}$',
  description: 'Id of a receipt.',
  examples: ['4711'],
})
