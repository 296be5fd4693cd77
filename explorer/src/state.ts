// A view is its address: what is asked, how it is shown, and what is open.

export interface State {
  q: string
  figure: string
  topic: string
  act: string
  relation: string
  outlet: string
  from: string
  to: string
  off: string
  view: string
  sort: string
  p: string
  s: string
}

export const KEYS = ['q', 'figure', 'topic', 'act', 'relation', 'outlet', 'from', 'to', 'off', 'view', 'sort', 'p', 's'] as const
export const FILTERS = ['q', 'figure', 'topic', 'act', 'relation', 'outlet', 'from', 'to', 'off'] as const

/** The state that an address's part after `#` names; what it does not know is left out. */
export function read(hash: string): State {
  const given = new URLSearchParams(hash.replace(/^#/, ''))
  const state = {} as State
  for (const key of KEYS) state[key] = given.get(key) ?? ''
  for (const key of ['from', 'to'] as const) if (!/^\d{4}-\d\d-\d\d$/.test(state[key])) state[key] = ''
  if (state.view !== 'claims') state.view = ''
  if (state.sort !== 'old') state.sort = ''
  if (state.off !== '1') state.off = ''
  if (!/^[1-9]\d{0,6}$/.test(state.p) || state.p === '1') state.p = ''
  return state
}

/** The part of an address after and with `#` that names a state. */
export function write(state: State): string {
  const given = new URLSearchParams()
  for (const key of KEYS) if (state[key]) given.set(key, state[key])
  return `#${given}`
}
