import { expect, test } from 'vitest'
import { pairsIn, readParameters } from '../../../src/http/rpc/parameters.ts'
import { subjectsAnswered, subjectsAsked } from '../../../src/http/rpc/subjects.ts'
import { createNumberParser } from '../../../src/platform/phone-numbers.ts'

const parser = createNumberParser({ country: 'CN' })
const parametersIn = (query: string) => readParameters(pairsIn(query))

test('what an action was asked for and has done is named by its ids', () => {
  const asked = parametersIn('PoolKey=FC100000137458124&PhoneNoA=13857299002&PhoneNoX=17000000001')
  expect(subjectsAsked(asked)).toEqual(['FC100000137458124'])
  const members = { SecretBindDTO: { SubsId: '1000000000000007', SecretNo: '17000000001' } }
  expect(subjectsAnswered(asked, members, parser)).toEqual(['1000000000000007', '+8617000000001'])
  expect(subjectsAnswered(asked, { GroupId: 2_000_000_000_001 }, parser)).toEqual([
    '2000000000001',
    '+8617000000001',
  ])
})

test('a number that was typed in the place of an id is left out', () => {
  expect(subjectsAsked(parametersIn('PoolKey=13857299002&SubsId=13857299002'))).toEqual([])
})
