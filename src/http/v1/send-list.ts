import type { FastifyReply, FastifyRequest } from 'fastify'
import { type CsvList, type Part, sendCsv, wantsCsv } from '../csv.ts'
import { type Items, pageAnswer } from './shapes.ts'

/** A page of a list as JSON, or all of it as CSV, as the request says. Nothing is left to send for CSV. */
export async function sendList<Item, Answer extends object>(
  request: FastifyRequest,
  reply: FastifyReply,
  list: CsvList<Item, Answer>,
): Promise<Items<Answer> | undefined> {
  if (wantsCsv(request)) return sendCsv(request, reply, list)
  const { limit, cursor } = request.query as Part
  return pageAnswer(await list.list({ limit, cursor }), list.answer)
}
