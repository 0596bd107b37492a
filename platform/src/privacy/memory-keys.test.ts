import { keyStoreSuite } from '@annals/testing/suites/key-store.suite';
import { createMemoryKeyStore } from './memory-keys.ts';

const store = createMemoryKeyStore();
keyStoreSuite('memory', () => store);
