// Something asked of the server: asked again when what it was asked with changes, and what came last stays in view.
import { Problem } from './api';

export class Resource<V> {
  value = $state.raw<V | undefined>(undefined);
  problem = $state.raw<Problem | null>(null);
  loading = $state(true);
  #asked = $state(0);

  constructor(ask: (signal: AbortSignal) => Promise<V> | null) {
    $effect(() => {
      void this.#asked;
      const control = new AbortController();
      const answer = ask(control.signal);
      if (!answer) {
        this.value = undefined;
        this.loading = false;
        return;
      }
      this.loading = true;
      answer.then(
        (value) => {
          if (control.signal.aborted) return;
          this.value = value;
          this.problem = null;
          this.loading = false;
        },
        (error: unknown) => {
          if (control.signal.aborted) return;
          this.problem = error instanceof Problem ? error : new Problem(-1, '', String(error));
          this.value = undefined;
          this.loading = false;
        },
      );
      return () => control.abort();
    });
  }

  again() {
    this.#asked += 1;
  }
}

// Only while a component is made. What `ask` reads before it waits is what it depends on.
export function resource<V>(ask: (signal: AbortSignal) => Promise<V> | null): Resource<V> {
  return new Resource(ask);
}
