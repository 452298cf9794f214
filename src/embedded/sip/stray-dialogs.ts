import type { Dialog } from './dialog.ts'

/** An engine is back within seconds; later nobody will come for them. */
const keptMs = 300_000
const strayMax = 10_000

/**
 * Dialogs whose app is gone. Nobody hears what the other side asks in them (481), but any app that
 * knows the id may still end them: as with the real server.
 */
export function createStrayDialogs(given: { forget(dialog: Dialog): void }) {
  const strays = new Map<string, { dialog: Dialog; timer: NodeJS.Timeout }>()

  function drop(dialog: Dialog): void {
    clearTimeout(strays.get(dialog.id)?.timer)
    strays.delete(dialog.id)
  }

  return {
    find: (id: string): Dialog | undefined => strays.get(id)?.dialog,
    keep(dialog: Dialog): void {
      if (dialog.state === 'over') return
      if (strays.size >= strayMax) {
        given.forget(dialog)
        return
      }
      const timer = setTimeout(() => {
        drop(dialog)
        given.forget(dialog)
      }, keptMs).unref()
      strays.set(dialog.id, { dialog, timer })
      dialog.closers.add(() => drop(dialog))
    },
  }
}

export type StrayDialogs = ReturnType<typeof createStrayDialogs>
