/** Apache Kafka from Maven Central: the broker's jars. Needs Java 17 and Maven. */
import { execFile } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { InstallableServer } from './server.ts';

const VERSION = '4.1.0';

const dependency = (group: string, artifact: string, version: string) =>
  `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`;

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>annals</groupId><artifactId>kafka-for-tests</artifactId><version>1</version>
  <dependencies>
    ${dependency('org.apache.kafka', 'kafka_2.13', VERSION)}
    ${dependency('org.slf4j', 'slf4j-simple', '1.7.36')}
  </dependencies>
</project>
`;

export const server: InstallableServer = {
  name: 'kafka',
  version: VERSION,
  variable: 'ANNALS_TEST_KAFKA_HOME',
  async install(folder) {
    const pom = join(folder, 'pom.xml');
    await writeFile(pom, POM);
    const goal = 'org.apache.maven.plugins:maven-dependency-plugin:copy-dependencies';
    await promisify(execFile)('mvn', [
      ...['--batch-mode', '--quiet', '--file', pom, goal],
      ...['-DincludeScope=runtime', `-DoutputDirectory=${join(folder, 'libs')}`],
    ]);
    await promisify(execFile)('java', ['-version']);
    await rm(join(folder, 'target'), { recursive: true, force: true });
  },
};
