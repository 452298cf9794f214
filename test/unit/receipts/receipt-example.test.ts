import { Compile } from 'typebox/compile'
import { expect, test } from 'vitest'
import { exampleOf } from '../../../src/receipts/receipt-example.ts'
import { messageTypes, receiptSchema } from '../../../src/receipts/receipt-types.ts'

test.each(messageTypes)('the example of %s that the test button sends is a receipt', (type) => {
  expect(Compile(receiptSchema(type)).Errors(exampleOf(type))).toEqual([])
})
