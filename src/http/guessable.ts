import type { FastifyRequest } from 'fastify'

const perMinuteMax = 120

/**
 * Config of routes that tell whether a real number is among what answers mask. Whoever asks for one
 * number after the other finds out the digits that are hidden: so it is slow (per token and route),
 * and, as every route that is no GET, it stands in the audit log.
 */
export const guessable = {
  rateLimit: {
    max: ({ principal }: FastifyRequest) =>
      Math.min(perMinuteMax, principal?.requestsPerMinuteMax ?? perMinuteMax),
    timeWindow: 60_000,
  },
}
