package com.rolecall.client.contexts;

import com.sun.security.auth.module.UnixSystem;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * Refuses a file of contexts that others can change: its token commands are programs that run as
 * this user.
 */
final class FileRights {
  private static final int OTHERS_WRITE = 0022;
  private static final int STICKY = 01000;

  private FileRights() {}

  /** Throws unless only this user and root can change the file. */
  static void requireSafe(Path path) throws IOException {
    // Before it is opened: a named pipe would never be read.
    Path target = path.toRealPath();
    if (!Files.isRegularFile(target)) {
      throw ContextsException.in(path, "this is not a regular file", "");
    }
    if (!Files.getFileStore(target).supportsFileAttributeView("unix")
        && !target.getFileSystem().supportedFileAttributeViews().contains("unix")) {
      return;
    }
    if (!isOwn(target)) {
      throw ContextsException.in(
          path, "the file belongs to another user", "its token commands would run as you; copy it");
    }
    if ((mode(target) & OTHERS_WRITE) != 0) {
      throw writable(path, "the file", path);
    }
    Set<Path> folders = new LinkedHashSet<>();
    folders.add(path.toAbsolutePath().getParent());
    folders.add(target.getParent());
    for (Path folder : folders) {
      if (othersCanReplaceIn(folder)) {
        throw writable(path, "the folder `" + folder + "`", folder);
      }
    }
  }

  private static boolean othersCanReplaceIn(Path folder) throws IOException {
    // Such as a mounted ConfigMap, whose folder has every right.
    if (Files.getFileStore(folder).isReadOnly()) {
      return false;
    }
    int mode = mode(folder);
    return !isOwn(folder) || (mode & OTHERS_WRITE) != 0 && (mode & STICKY) == 0;
  }

  private static boolean isOwn(Path path) throws IOException {
    int owner = (Integer) Files.getAttribute(path, "unix:uid");
    return owner == 0 || owner == new UnixSystem().getUid();
  }

  private static int mode(Path path) throws IOException {
    return (Integer) Files.getAttribute(path, "unix:mode");
  }

  private static ContextsException writable(Path path, String what, Path changed) {
    return ContextsException.in(
        path,
        "other users can write " + what + ", and its token commands run as you",
        "chmod go-w " + changed);
  }
}
