// Runs cases one by one and says how each went, a line each, as `cargo xtask interop` reads it.

export async function run(version, cases) {
  console.log(`version ${version}`);
  for (const [name, body] of Object.entries(cases)) {
    const start = performance.now();
    const took = () => ((performance.now() - start) / 1000).toFixed(3);
    try {
      await body();
      console.log(`ok ${took()} ${name}`);
    } catch (error) {
      const why = String(error?.message ?? error).replace(/\s+/g, " ").slice(0, 300);
      console.log(`failed ${took()} ${name}: ${why}`);
    }
  }
  console.log("done");
}
