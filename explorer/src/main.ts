// The explorer: an address in, a view out.

import { csv } from './csv'
import { bars, binned, lastDay, type Bins } from './chart'
import { OnRecord, load, type Listing } from './data'
import { $, h } from './dom'
import { FACETS, Index, type Facet, type Found } from './filter'
import { FILTERS, read, write, type State } from './state'
import { ACTS, LABELS, count, grouped, isoDay, plain, shortDay, shortMonth } from './text'
import { PAGE, View } from './view'

const FIRST_OPTION: Record<Facet, string> = {
  figure: 'All figures', topic: 'All topics', act: 'All acts', relation: 'All relations', outlet: 'All outlets',
}

const hook = (window as unknown as { onrecord: Record<string, unknown> }).onrecord
hook.index = (listing: Listing) => start(listing)

function fault(words: string): void {
  $('fault').textContent = words
  $('fault').hidden = false
}

// The list of days is the next script; where it does not come, nothing can be shown.
addEventListener('DOMContentLoaded', () => {
  const script = document.querySelector('script[src="days/index.js"]')
  const missing = (): void => {
    $('count').textContent = 'No data'
    fault('The list of days, days/index.js, could not be read. It lies beside this page; onrecord explorer writes it.')
  }
  if (!('ready' in hook) && script) script.addEventListener('error', missing)
  if (!('ready' in hook)) missing()
})

function start(listing: Listing): void {
  Object.assign(hook, { ready: true })
  const total = listing.parts.reduce((sum, part) => sum + part[1], 0)
  const record = new OnRecord(total)
  const index = new Index(record)
  const view = new View(record, listing)
  const form = $<HTMLFormElement>('filters')
  const q = $<HTMLInputElement>('q')
  let state = read(location.hash)
  let found: Found = { rows: new Uint32Array(0), counts: {} as Found['counts'] }
  let bins: Bins | undefined
  let whole = false
  let typing = false
  let pending = false

  const control = (name: string): HTMLInputElement | HTMLSelectElement =>
    form.elements.namedItem(name) as HTMLInputElement | HTMLSelectElement

  // ------------------------------------------------------------------ the view of a state

  function show(): void {
    performance.mark('find')
    found = index.find(state)
    if (state.sort === 'old') found.rows.reverse()
    controls()
    results()
    detail()
    performance.measure('shown', 'find')
    if (!pending) requestAnimationFrame(() => setTimeout(rest))
    pending = true
  }

  /** What may come a moment after the rows: the numbers in the menus, and the bars. */
  function rest(): void {
    if (!pending) return
    pending = false
    for (const facet of FACETS) options(facet)
    chart()
  }

  function controls(): void {
    if (document.activeElement !== q || !state.q) q.value = state.q
    for (const name of ['from', 'to', 'sort']) control(name).value = state[name as keyof State]
    ;(control('off') as HTMLInputElement).checked = state.off === '1'
    for (const facet of FACETS) {
      control(facet).value = state[facet]
      control(facet).classList.toggle('set', !!state[facet])
    }
    const active = FILTERS.filter(key => key !== 'q' && state[key]).length
    $('active').textContent = active ? `(${active} set)` : ''
    $('clear').hidden = !FILTERS.some(key => state[key])
    for (const tab of document.querySelectorAll<HTMLAnchorElement>('.views a')) {
      const name = tab.dataset.view === 'claims' ? 'claims' : ''
      tab.href = write({ ...state, view: name, p: '' })
      if (state.view === name) tab.setAttribute('aria-current', 'true')
      else tab.removeAttribute('aria-current')
    }
  }

  function named(facet: Facet, value: string): string {
    if (facet === 'figure') return record.names.get(value) ?? value
    if (facet === 'topic') return view.topicName(value)
    if (facet === 'act') return ACTS[value] ?? value
    if (facet === 'relation') return LABELS[value] ?? value
    return plain(value).slice(0, 80)
  }

  /** Choices with how many statements each leaves; those that leave none are left out. */
  function options(facet: Facet): void {
    const select = control(facet) as HTMLSelectElement
    const { values } = index.column(facet)
    const numbers = found.counts[facet]
    const listed = values
      .map((value, code) => ({ value, name: named(facet, value), n: numbers[code] }))
      .filter(one => one.n || one.value === state[facet])
      .sort((a, b) => facet === 'figure' || facet === 'outlet' ? a.name.localeCompare(b.name, 'en') : b.n - a.n || (a.name < b.name ? -1 : 1))
    if (state[facet] && !listed.some(one => one.value === state[facet])) listed.push({ value: state[facet], name: state[facet], n: 0 })
    while (select.options.length > listed.length + 1) select.remove(select.options.length - 1)
    while (select.options.length < listed.length + 1) select.add(new Option())
    const set = (option: HTMLOptionElement, value: string, label: string): void => {
      if (option.value !== value || !option.hasAttribute('value')) option.value = value
      if (option.text !== label) option.text = label
    }
    set(select.options[0], '', FIRST_OPTION[facet])
    listed.forEach((one, i) => set(select.options[i + 1], one.value, `${one.name} (${grouped(one.n)})`))
    select.value = state[facet]
  }

  function results(): void {
    const { rows } = found
    const claims = state.view === 'claims' ? view.claimsOf(rows, state.sort === 'old') : []
    const n = state.view === 'claims' ? claims.length : rows.length
    const many = (facet: Facet): number => found.counts[facet].reduce((sum, one) => sum + +(one > 0), 0)
    const who = state.figure ? named('figure', state.figure) : count(many('figure'), 'figure')
    const where = state.outlet ? named('outlet', state.outlet) : count(many('outlet'), 'outlet')
    const heading = n
      ? `${count(n, state.view === 'claims' ? 'claim' : 'statement')} by ${who} in ${where}`
      : whole ? 'Nothing on record fits' : 'Reading…'
    $('count').textContent = heading
    if (whole && $('told').textContent !== heading) $('told').textContent = heading
    const pages = Math.max(1, Math.ceil(n / PAGE))
    const page = Math.min(Number(state.p || 1), pages)
    const from = (page - 1) * PAGE
    const list = state.view === 'claims' ? view.claims(claims.slice(from, from + PAGE), state) : view.statements(rows.slice(from, from + PAGE), state)
    if (!n && whole) {
      const asked = FILTERS.some(key => state[key])
      list.append(h('p', { class: 'empty' }, asked ? 'No statement has all of this. Take a filter away, or look ' : 'No statement of a tracked figure is published yet.',
        asked && !state.off ? h('a', { href: write({ ...state, off: '1' }) }, 'off the topic, too') : null, asked && !state.off ? '.' : null))
    }
    $('list').replaceChildren(list)
    ;($('csv') as HTMLButtonElement).disabled = !rows.length
    paging(page, pages)
  }

  function paging(page: number, pages: number): void {
    const to = (n: number, words: string): HTMLElement =>
      h('a', { href: write({ ...state, p: n > 1 ? String(n) : '' }), 'data-page': 'true' }, words)
    $('pages').hidden = pages < 2
    $('pages').replaceChildren(
      page > 1 ? to(page - 1, '← Previous page') : '',
      h('span', {}, `Page ${grouped(page)} of ${grouped(pages)}`),
      page < pages ? to(page + 1, 'Next page →') : '')
  }

  function chart(): void {
    bins = binned(record, found.rows, state.from)
    const figure = $('chart')
    figure.hidden = bins.bins.length < 2
    if (figure.hidden) { figure.replaceChildren(); return }
    const { unit, older } = bins
    const last = bins.bins[bins.bins.length - 1].from
    const name = (at: number): string => unit === 'month' ? shortMonth(at) : unit === 'year' ? shortDay(at).slice(-4) : shortDay(at)
    const wide = bins.bins.length < 24 ? `${Math.max(16, bins.bins.length * 5)}rem` : ''
    const drawing = bars(bins)
    const ends = h('p', { class: 'ax', 'aria-hidden': 'true' }, h('span', {}, name(bins.from)), h('span', {}, name(last)))
    drawing.style.maxWidth = ends.style.maxWidth = wide
    figure.replaceChildren(drawing, ends, h('p', { class: 'legend', 'aria-hidden': 'true' },
      h('i', { class: 'k b' }), `statements by ${unit}`, h('i', { class: 'k f' }), 'of these, opening a claim',
      older ? `; ${grouped(older)} older not drawn` : ''))
  }

  function detail(): void {
    const panel = $('detail')
    const row = state.s ? record.row(state.s) : undefined
    const wasOpen = panel.dataset.s ?? ''
    $('board').classList.toggle('opened', !!state.s)
    panel.hidden = !state.s
    if (!state.s) {
      panel.dataset.s = ''
      panel.replaceChildren()
      if (wasOpen) {
        const line = document.querySelector<HTMLElement>(`[data-s="${CSS.escape(wasOpen)}"] a`)
        ;(line ?? $('results')).focus({ preventScroll: !!line })
        if (line) line.scrollIntoView({ block: 'nearest' })
      }
      return
    }
    const shown = `${whole} ${row !== undefined && record.isOpen(row)}`
    if (wasOpen === state.s && panel.dataset.shown === shown) {
      for (const a of panel.querySelectorAll<HTMLAnchorElement>('a[data-step]')) a.href = step(Number(a.dataset.step))
      return
    }
    const close = h('button', { type: 'button', class: 'plain', id: 'close' }, 'Close')
    close.onclick = () => go({ ...state, s: '' })
    const copy = h('button', { type: 'button', class: 'plain', id: 'copy' }, 'Copy link')
    copy.onclick = () => { void copied(copy) }
    const walk = (by: number, words: string): HTMLElement => h('a', { href: step(by), 'data-step': String(by) }, words)
    const bar = h('div', { class: 'tools' }, close, copy, h('span', { class: 'walk' }, walk(-1, '← Previous'), walk(1, 'Next →')))
    if (row === undefined) {
      panel.replaceChildren(bar, h('h2', { id: 'said', tabindex: '-1' }, whole ? 'Not on record here' : 'Looking for it…'),
        whole ? h('p', {}, 'No published day has the statement ', h('code', {}, state.s.slice(0, 64)), '.') : '')
      if (!whole) return
    } else {
      const focused = panel.contains(document.activeElement) ? document.activeElement!.id : ''
      panel.replaceChildren(bar, view.detail(row, state))
      if (focused && wasOpen === state.s) $(focused)?.focus({ preventScroll: true })
      if (!record.isOpen(row)) {
        record.open([row]).then(() => detail(), unread)
      }
    }
    panel.dataset.s = state.s
    panel.dataset.shown = shown
    if (wasOpen === state.s) return // only what came since then is new
    $('said').focus({ preventScroll: true })
    panel.scrollTop = 0
    if (matchMedia('(max-width: 64rem)').matches) scrollTo(0, 0)
  }

  /** The address of the statement before or after the open one, among those found. */
  function step(by: number): string {
    const place = found.rows.indexOf(record.row(state.s) ?? -1)
    const to = place < 0 ? 0 : Math.min(Math.max(place + by, 0), found.rows.length - 1)
    const p = state.view === 'claims' ? state.p : to < PAGE ? '' : String(Math.floor(to / PAGE) + 1)
    return found.rows.length ? write({ ...state, p, s: record.text.statement_id.at(found.rows[to]) }) : write(state)
  }

  async function copied(button: HTMLButtonElement): Promise<void> {
    try {
      await navigator.clipboard.writeText(location.href)
      button.textContent = 'Copied'
    } catch {
      button.textContent = 'Copy it from the address bar'
    }
    setTimeout(() => { button.textContent = 'Copy link' }, 2500)
  }

  // --------------------------------------------------------------------- ways to a state

  /** A new entry of the browser's history; or, while a person types, the same one. */
  function go(next: State, replace = false): void {
    state = next
    const hash = write(next)
    if (hash !== (location.hash || '#')) {
      if (replace) history.replaceState(null, '', hash)
      else history.pushState(null, '', hash)
    }
    show()
  }

  const asked = (): State => {
    rest() // a menu may lack the choice that the state has
    const next = { ...state, p: '', q: q.value }
    for (const name of [...FACETS, 'from', 'to', 'sort'] as const) next[name] = control(name).value
    next.off = (control('off') as HTMLInputElement).checked ? '1' : ''
    return read(write(next))
  }
  form.addEventListener('submit', event => { event.preventDefault(); go(asked()) })
  q.addEventListener('input', () => { go(asked(), typing); typing = true })
  q.addEventListener('blur', () => { typing = false })
  form.addEventListener('change', event => { if (event.target !== q) go(asked()) })
  $('sort').addEventListener('change', () => go(asked()))
  form.addEventListener('reset', event => {
    event.preventDefault()
    q.value = ''
    go({ ...read(''), view: state.view, sort: state.sort })
    q.focus()
  })
  document.addEventListener('click', event => {
    const a = (event.target as Element).closest?.('a')
    if (!a || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return
    const href = a.getAttribute('href') ?? ''
    if (!href.startsWith('#') || a.id === 'skip') return
    event.preventDefault()
    go(read(href))
    if (a.dataset.page) { $('results').focus({ preventScroll: true }); $('results').scrollIntoView() }
  })
  $('skip').addEventListener('click', event => { event.preventDefault(); $('results').focus() })
  addEventListener('popstate', () => { state = read(location.hash); q.value = state.q; show() })
  addEventListener('keydown', event => {
    if (event.key === 'Escape' && state.s && !(event.target as Element).closest('select')) go({ ...state, s: '' })
  })
  $('chart').addEventListener('click', event => {
    const n = (event.target as Element).getAttribute('data-n')
    const bin = n === null ? undefined : bins?.bins[Number(n)]
    if (bin && bins) go({ ...state, p: '', from: isoDay(bin.from), to: isoDay(lastDay(bin.from, bins.unit)) })
  })
  $('csv').addEventListener('click', async () => {
    const { rows } = found
    try { await record.open(rows) } catch (error) { unread(error as Error); return }
    const file = URL.createObjectURL(new Blob([csv(record, rows)], { type: 'text/csv' }))
    const a = h('a', { href: file, download: 'on-record.csv' })
    a.click()
    setTimeout(() => URL.revokeObjectURL(file), 10_000)
  })

  // ----------------------------------------------------------------------------- begin

  if (listing.digests.length) $('site').hidden = false
  if (matchMedia('(max-width: 48rem)').matches) ($('more') as HTMLDetailsElement).open = false
  const [days, first, last] = listing.days
  $('end').append(h('p', {}, `On Record ${plain(listing.version)}. `,
    days ? `${count(total, 'statement')} of ${count(days, 'day')}, first seen from ${first} to ${last}. ` : '',
    'What outlets report these figures to have said; nothing here says that it is true. Found and compared by program, not by editors. Moments are UTC.'),
    h('p', {}, 'Everything lies in this folder: no server, no request to anyone.'))
  const unread = (error: Error): void => fault(`Not everything could be shown: ${error.message}. It lies beside this page; onrecord explorer writes it.`)

  /** What a search and an opened statement need is made ready in the pauses. */
  const settle = (): void => {
    if (record.settle()) setTimeout(settle, 4)
    else { performance.mark('settled'); document.documentElement.dataset.settled = 'true' }
  }
  let drawn = 0
  load(listing, record, (done, faults) => {
    whole = done >= listing.parts.length
    $('loading').textContent = whole ? '' : `Reading ${grouped(record.n)} of ${grouped(total)} statements…`
    if (faults.length) fault(`${count(faults.length, faults.every(one => one.length > 7) ? 'day' : 'part')} could not be read and ${faults.length === 1 ? 'is' : 'are'} missing below: ${faults.slice(0, 5).join(', ')}.`)
    if (!whole && record.n < Math.max(1, 3 * drawn)) return // not at each day: reading goes first
    show()
    drawn = record.n
    if (whole) {
      rest()
      performance.mark('whole')
      const row = state.s ? record.row(state.s) : undefined
      void record.open(row === undefined ? [] : [row]).catch(() => {}).then(() => { // told where it is shown
        document.documentElement.dataset.ready = 'true'
        setTimeout(settle, 50)
      })
    } else performance.mark('rows')
  })
}
