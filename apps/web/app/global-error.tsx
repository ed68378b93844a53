"use client";

/** When not even what is around every page could be drawn. It has the look of the others only if that was loaded before. */
export default function GlobalError() {
  return (
    <html lang="en">
      <body>
        <main>
          <h1>This page broke</h1>
          <p>Experiments go on without it. Load it again; the browser’s console says more.</p>
          <a className="btn" href="/">
            All experiments
          </a>
        </main>
      </body>
    </html>
  );
}
