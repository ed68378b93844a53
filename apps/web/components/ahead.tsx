"use client";
import { useEffect } from "react";
import { fetchForWhoComes } from "../lib/parts";

/** On a page that leads to a bench: its code is fetched before it is asked for. */
export function Ahead() {
  useEffect(fetchForWhoComes, []);
  return null;
}
