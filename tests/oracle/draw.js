// Opens an exported page in headless Chromium, draws on it, and prints what the page shows, as JSON.
// Usage: node draw.js URL STROKES.json [SCREENSHOT.png]    (requires playwright-core, and Debian's chromium)
// STROKES: a list of lines, each a list of [x, y] from 0 to 1; or null for a page that takes numbers.
const fs = require('fs');
const os = require('os');
const path = require('path');
const {chromium} = require('playwright-core');

async function main(url, strokes, screenshot) {
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'chromium-'));
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
    headless: true,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
           '--disable-component-update', '--disable-sync'],
  });
  try {
    const page = await browser.newPage();
    await page.setViewportSize({width: 800, height: 560});
    const errors = [];
    page.on('pageerror', (error) => errors.push(String(error)));
    await page.goto(url);
    await page.waitForSelector('body[data-state]', {timeout: 60000});
    for (const line of strokes || []) {
      const box = await page.locator('#pad').boundingBox();
      const points = line.map(([x, y]) => [box.x + x * box.width, box.y + y * box.height]);
      await page.mouse.move(...points[0]);
      await page.mouse.down();
      for (const point of points.slice(1)) await page.mouse.move(...point, {steps: 6});
      await page.mouse.up();
    }
    if (screenshot) await page.screenshot({path: screenshot});
    console.log(JSON.stringify(await page.evaluate(() => ({
      state: document.body.dataset.state,
      about: document.getElementById('about').textContent,
      problem: document.getElementById('problem').textContent,
      pixels: JSON.parse(document.getElementById('pad').dataset.pixels || 'null'),
      values: [...document.querySelectorAll('#outputs li')].map((row) => Number(row.dataset.value)),
      shown: [...document.querySelectorAll('#outputs li')].map((row) => row.innerText.split(/\s+/)),
      best: document.querySelector('#outputs .best .name')?.textContent,
    }))));
    if (errors.length) throw new Error(errors.join('\n'));
  } finally {
    await browser.close();
    fs.rmSync(profile, {recursive: true, force: true});
  }
}

main(process.argv[2], JSON.parse(fs.readFileSync(process.argv[3], 'utf8')), process.argv[4]).catch((error) => {
  console.error(error);
  process.exit(1);
});
