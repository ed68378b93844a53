"use client";
import { useEffect, useState } from "react";

const SOON_MIN = 5;

/** When the guest ends unless somebody drives it, in time to say that it is still wanted. */
export function Expiry({ endsAt, onKeep }: { endsAt: string | null; onKeep: (() => void) | null }) {
  const [now, setNow] = useState<number | null>(null);
  useEffect(() => {
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 10_000);
    return () => clearInterval(timer);
  }, []);
  if (endsAt === null || now === null) return null;
  const minutes = Math.max(0, Math.ceil((Date.parse(endsAt) - now) / 60_000));
  return (
    <span data-testid="expiry">
      {minutes <= SOON_MIN ? <b className="pill warn">ends in {minutes} min</b> : `expires in ${minutes} min`}
      {onKeep && (
        <button type="button" className="btn quiet" onClick={onKeep} title="Its time begins anew">
          keep
        </button>
      )}
    </span>
  );
}
