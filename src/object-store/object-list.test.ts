// Lists of a bucket: the signature of the vendor's own example, and pages as stores write them.

import { expect, test } from "bun:test";
import { readObjectPage, signQuery } from "./object-list.ts";

test("a query is signed as the vendor signs it", () => {
  // https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html (2026-11-30), its example.
  const url = signQuery(
    new URL("https://examplebucket.s3.amazonaws.com/test.txt"),
    {},
    {
      ...{ region: "us-east-1", accessKey: "AKIAIOSFODNN7EXAMPLE", secretKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" },
      ...{ now: new Date("2013-05-24T00:00:00Z"), seconds: 86_400 },
    },
  );
  expect(new URL(url).searchParams.get("X-Amz-Signature")).toBe("aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
});

const page = (...entries: string[]) =>
  `<?xml version="1.0"?><ListBucketResult><Name>b</Name>${entries.join("")}<IsTruncated>false</IsTruncated></ListBucketResult>`;

test("names come without entities, sizes and times as numbers", () => {
  const xml = page(
    "<Contents><Key>a/one+two%20three.png</Key><LastModified>2026-11-30T10:00:00.000Z</LastModified><Size>12</Size></Contents>",
    "<Contents><Key>100%.png</Key><Owner><ID>x</ID></Owner></Contents>",
    "<Contents><Size>1</Size></Contents>",
    "<Contents><Key>x&amp;&#65;&#x42;&nix;</Key></Contents>",
  );
  expect(readObjectPage(xml)).toEqual({
    objects: [
      { name: "a/one+two%20three.png", bytes: 12, at: Date.UTC(2026, 10, 30, 10) },
      { name: "100%.png", bytes: 0, at: 0 },
      { name: "x&AB&nix;", bytes: 0, at: 0 },
    ],
    next: null,
  });
});

test("a page that is cut says where the next one begins", () => {
  const xml =
    "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>a+/=&amp;</NextContinuationToken></ListBucketResult>";
  expect(readObjectPage(xml)).toEqual({ objects: [], next: "a+/=&" });
});

test.each([[""], ["<html>"], ["<Contents><Key>a"], ["</Contents><Contents>"]])("%j is an empty page", (xml) => {
  expect(readObjectPage(xml)).toEqual({ objects: [], next: null });
});

test("a hostile page takes time in proportion to its length", () => {
  const timeOf = (count: number) => {
    const xml = "<Contents><Key>".repeat(count);
    const began = performance.now();
    readObjectPage(xml);
    return performance.now() - began;
  };
  timeOf(1000);
  expect(timeOf(200_000)).toBeLessThan(20 * Math.max(5, timeOf(20_000)));
});
