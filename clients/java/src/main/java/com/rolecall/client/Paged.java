package com.rolecall.client;

import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.function.Function;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * All elements of a list that the server returns page by page. Each iteration asks from the first
 * page on, and for a page when its first element is wanted.
 *
 * @param <T> the elements
 */
public final class Paged<T> implements Iterable<T> {
  private final Function<String, Page<T>> pages;

  /** One page; the token of the next one is empty on the last. */
  record Page<T>(List<T> elements, String nextToken) {}

  Paged(Function<String, Page<T>> pages) {
    this.pages = pages;
  }

  @Override
  public Iterator<T> iterator() {
    return new Elements();
  }

  /**
   * Returns the elements as a stream.
   *
   * @return the stream
   */
  public Stream<T> stream() {
    return StreamSupport.stream(spliterator(), false);
  }

  <U> Paged<U> map(Function<T, U> change) {
    return new Paged<>(
        token -> {
          Page<T> page = pages.apply(token);
          return new Page<>(page.elements().stream().map(change).toList(), page.nextToken());
        });
  }

  private final class Elements implements Iterator<T> {
    private Iterator<T> page = List.<T>of().iterator();
    private String nextToken = "";
    private boolean last;

    @Override
    public boolean hasNext() {
      while (!page.hasNext() && !last) {
        Page<T> answer = pages.apply(nextToken);
        page = answer.elements().iterator();
        nextToken = answer.nextToken();
        last = nextToken.isEmpty();
      }
      return page.hasNext();
    }

    @Override
    public T next() {
      if (!hasNext()) {
        throw new NoSuchElementException();
      }
      return page.next();
    }
  }
}
