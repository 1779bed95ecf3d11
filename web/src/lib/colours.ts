// Colours of kinds, told apart with every kind of colour vision: Okabe and Ito's eight and three of P. Tol's, each also
// named in words wherever it stands.
import type { Kind } from './types';

const light: Record<Kind, string> = {
  'botnet-control': '#0072b2',
  backdoor: '#d55e00',
  phishing: '#cc79a7',
  defacement: '#882255',
  intrusion: '#333333',
  'web-attack': '#e69f00',
  exploit: '#117733',
  scan: '#56b4e9',
  'brute-force': '#009e73',
  'denial-of-service': '#b8a800',
  'malware-distribution': '#7d6fc4',
};
const dark: Partial<Record<Kind, string>> = {
  'botnet-control': '#3f9bd6',
  intrusion: '#d5d9de',
  defacement: '#c4618f',
  exploit: '#44aa66',
  'denial-of-service': '#f0e442',
  'malware-distribution': '#a79be6',
};

export function kindColour(kind: Kind, theme: 'light' | 'dark'): string {
  return (theme === 'dark' ? dark[kind] : undefined) ?? light[kind] ?? '#888888';
}

// A colour of the style sheet, for canvases.
export function styleColour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
