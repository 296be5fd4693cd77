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
  legalComments: 'none', // LICENSES.txt has them whole
})
await build({
  entryPoints: [join(here, 'explorer.css')],
  outfile: join(out, 'explorer.css'),
  minify: true,
  charset: 'utf8',
})
copyFileSync(join(here, 'index.html'), join(out, 'index.html'))

const { dependencies } = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8'))
const licences = Object.keys(dependencies).sort().map(name => {
  const folder = join(here, 'node_modules', name)
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const file = readdirSync(folder).find(one => /^licen[cs]e/i.test(one))
  return `${name} ${version}\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`
})
writeFileSync(join(out, 'LICENSES.txt'), `explorer.js holds code of these packages.\n\n${licences.join('\n\n')}`)

// What it was made from and what came out, so that a test needs no node to compare.
const sources = ['build.mjs', 'explorer.css', 'index.html', 'package-lock.json', 'package.json',
  ...readdirSync(join(here, 'src')).map(name => `src/${name}`), 'tsconfig.json'].sort()
const made = ['LICENSES.txt', 'explorer.css', 'explorer.js', 'index.html']
writeFileSync(join(out, 'BUILT.txt'), `# sources\n${lines(here, sources)}# built\n${lines(out, made)}`)
