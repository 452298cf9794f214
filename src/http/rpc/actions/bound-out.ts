import type { Binding } from '../../../bindings/binding.ts'
import type { ActionContext } from '../action.ts'
import type { Members } from '../answer.ts'

/** `SecretBindDTO` (product-semantics 3.1). */
export function boundOut(binding: Binding, { parser }: ActionContext): Members {
  return {
    SubsId: binding.id,
    SecretNo: parser.national(binding.x),
    Extension: binding.extension,
  }
}
