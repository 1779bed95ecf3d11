// The page's language: a dictionary each, of one type, so that a text missing in one does not compile.
import type { Language } from './types';
import { en, type Dictionary } from './words/en';
import { zh } from './words/zh';

const dictionaries: Record<Language, Dictionary> = { en, zh };
export const locales: Record<Language, string> = { en: 'en-GB', zh: 'zh-Hans-CN' };

function stored(): Language | null {
  try {
    const value = localStorage.getItem('language');
    return value === 'en' || value === 'zh' ? value : null;
  } catch {
    return null;
  }
}

class I18n {
  #language = $state<Language>(stored() ?? (navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en'));
  words = $derived(dictionaries[this.#language]);
  locale = $derived(locales[this.#language]);

  get language(): Language {
    return this.#language;
  }
  chosen(): boolean {
    return stored() !== null;
  }
  choose(language: Language) {
    this.#language = language;
    try {
      localStorage.setItem('language', language);
    } catch {
      // Nothing is kept where storage is off.
    }
  }
}

export const i18n = new I18n();
export const t = (): Dictionary => i18n.words;

// A word of a closed list that the server sends, or the server's own where this page does not know it.
export function word(list: Record<string, string>, key: string | null | undefined): string {
  if (!key) return '';
  return Object.hasOwn(list, key) ? list[key]! : key;
}
