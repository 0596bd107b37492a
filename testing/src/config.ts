/** What the environment tells the tests. */

/** The path of a Chromium for tests of pages, where there is one. */
export const testBrowser: string | undefined = process.env.ANNALS_TEST_BROWSER;
