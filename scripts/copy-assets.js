// The last step of `npm run build`: what the compiler leaves out, and the stamp of the build.
import { chmodSync, cpSync, writeFileSync } from 'node:fs'
import { buildStamp } from './build-stamp.js'

// Everything that is not TypeScript is read at run time from beside the compiled code.
cpSync('src', 'dist', {
  recursive: true,
  filter: (path) => !/\.(ts|tsx|md)$/.test(path),
})
// `npx axbridge` runs it as a program.
chmodSync('dist/main.js', 0o755)
writeFileSync(buildStamp, '')
