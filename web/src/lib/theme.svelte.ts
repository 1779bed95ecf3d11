// Dark or light: as the system has it, unless the viewer chose.
export type Choice = 'system' | 'light' | 'dark';

const dark = matchMedia('(prefers-color-scheme: dark)');

function stored(): Choice {
  try {
    const value = localStorage.getItem('theme');
    return value === 'light' || value === 'dark' ? value : 'system';
  } catch {
    return 'system';
  }
}

class Theme {
  choice = $state<Choice>(stored());
  #system = $state(dark.matches);
  now = $derived(this.choice === 'system' ? (this.#system ? 'dark' : 'light') : this.choice);

  constructor() {
    dark.addEventListener('change', () => (this.#system = dark.matches));
  }

  choose(choice: Choice) {
    this.choice = choice;
    try {
      if (choice === 'system') localStorage.removeItem('theme');
      else localStorage.setItem('theme', choice);
    } catch {
      // Nothing is kept where storage is off.
    }
  }
}

export const theme = new Theme();
