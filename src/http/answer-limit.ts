import { errorCodes, type FastifyInstance, type FastifyReply } from 'fastify'

const looksMsMax = 1_000

/**
 * Every wait inside has a shorter limit; this is for what nobody thought of. Answers 503 for a
 * handler that is not done after `msMax`, at most a second late; it is not stopped. Routes that have
 * a `handlerTimeout` of their own are left to it. One timer for all: the framework's own limit costs
 * each request a timer and an AbortController.
 */
export function addAnswerLimit(app: FastifyInstance, msMax: number): void {
  const pending = new Map<FastifyReply, number>()

  app.addHook('onRequest', (request, reply, done) => {
    if (!request.routeOptions.handlerTimeout) pending.set(reply, performance.now())
    done()
  })
  app.addHook('onResponse', (_request, reply, done) => {
    pending.delete(reply)
    done()
  })

  function look(): void {
    const latest = performance.now() - msMax
    for (const [reply, began] of pending) {
      // In the order in which they came.
      if (began > latest) return
      pending.delete(reply)
      if (reply.sent) continue
      const late = new errorCodes.FST_ERR_HANDLER_TIMEOUT(msMax)
      // A list that is being streamed has its status already: all that is left is to break it off.
      if (reply.raw.headersSent) reply.raw.destroy(late)
      else reply.send(late)
    }
  }
  const looks = setInterval(look, Math.min(looksMsMax, msMax / 4)).unref()
  app.addHook('onClose', async () => clearInterval(looks))
}
