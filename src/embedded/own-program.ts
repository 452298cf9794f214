import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Where `package.json` is; also where a program that runs from source finds `tsx`. */
export const projectFolder = fileURLToPath(new URL('../..', import.meta.url))

/** The command that runs another program of this project, such as `embedded/sip/main`: compiled when we are, from source when we are. */
export function ownProgram(name: string): readonly [string, ...string[]] {
  const extension = extname(fileURLToPath(import.meta.url))
  const file = fileURLToPath(new URL(`../${name}${extension}`, import.meta.url))
  const loader = extension === '.ts' ? ['--import', 'tsx'] : ['--enable-source-maps']
  return [process.execPath, ...loader, file]
}
