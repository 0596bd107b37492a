/** A real server for tests that no npm package carries. */
export interface InstallableServer {
  /** In names of folders, e.g. `kafka`. */
  readonly name: string;
  readonly version: string;
  /** The variable that tells tests where it is, e.g. `ANNALS_TEST_KAFKA_HOME`. */
  readonly variable: string;
  /** Puts all of it into `folder`, which is empty, with nothing but package managers; throws where that can't be done. */
  install(folder: string): Promise<void>;
}
