// From explorer/ to pipeline/site/explorer/: one script, one style sheet, one page.
import { createHash } from 'node:crypto'
import { readFileSync, readdirSync, writeFileSync, mkdirSync, copyFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const here = dirname(fileURLToPath(import.meta.url))
const out = join(here, '..', 'pipeline', 'site', 'explorer')
const sha256 = path => createHash('sha256').update(readFileSync(path)).digest('hex')
const lines = (folder, names) => names.map(name => `${name} ${sha256(join(folder, name))}\n`).join('')

mkdirSync(out, { recursive: true })
await build({
  entryPoints: [join(here, 'src', 'main.ts')],
  outfile: join(out, 'explorer.js'),
  bundle: true,
  minify: true,
  format: 'iife',
  target: 'es2021',
  charset: 'utf8',
})
await build({
  entryPoints: [join(here, 'explorer.css')],
  outfile: join(out, 'explorer.css'),
  minify: true,
  charset: 'utf8',
})
copyFileSync(join(here, 'index.html'), join(out, 'index.html'))

// What it was made from and what came out, so that a test needs no node to compare.
const sources = ['build.mjs', 'explorer.css', 'index.html', 'package-lock.json', 'package.json',
  ...readdirSync(join(here, 'src')).map(name => `src/${name}`), 'tsconfig.json'].sort()
const made = ['explorer.css', 'explorer.js', 'index.html']
writeFileSync(join(out, 'BUILT.txt'), `# sources\n${lines(here, sources)}# built\n${lines(out, made)}`)
