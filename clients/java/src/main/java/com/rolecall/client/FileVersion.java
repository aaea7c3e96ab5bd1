package com.rolecall.client;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;

/** Recognises that a file has changed, without reading it. */
record FileVersion(Object key, long size, FileTime changed) {
  static FileVersion of(Path path) throws IOException {
    BasicFileAttributes found = Files.readAttributes(path, BasicFileAttributes.class);
    return new FileVersion(found.fileKey(), found.size(), found.lastModifiedTime());
  }
}
