import type { BindCommand, Binding } from '../../../src/bindings/binding.ts'
import type { Bindings } from '../../../src/bindings/bindings.ts'
import { DomainError } from '../../../src/domain/errors.ts'

/** A room of one binding, in memory. `commands` gets what is asked to be bound. */
export function someBindings(
  one: Binding,
  commands: BindCommand[] = [],
  given: Partial<Bindings> = {},
): Bindings {
  const known = (id: string) => {
    if (id !== one.id) throw new DomainError('binding-unknown', 404, 'There is none.')
    return one
  }
  return {
    async bind(command) {
      commands.push(command)
      const { expectCity, idempotencyKey, product, ...terms } = command
      const { x = one.x, b, extension, groupId } = command
      return { ...one, ...terms, x, b, extension, groupId }
    },
    unbind: async ({ id }) => ({ ...known(id), state: 'unbound' }),
    update: async ({ id }) => known(id),
    bindMany: async (_account, many) => many.map(() => ({ binding: one })),
    unbindMany: async (_account, refs) => refs.map(() => ({ binding: one })),
    get: async (_account, id) => known(id),
    list: async () => ({ items: [one], nextCursor: 'bmV4dA' }),
    liveOn: async () => [one.id],
    ...given,
  }
}
