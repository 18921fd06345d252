/** Linear least squares with a penalty on the size of the weights (ridge regression), by Cholesky decomposition. */

/**
 * @param rows features of each example; the last one is the constant 1, whose weight is free
 * @returns a weight for each feature
 */
export function ridge(rows: readonly Float64Array[], targets: readonly number[], penalty: number): Float64Array {
  const count = rows[0]!.length;
  const products = new Float64Array(count * count);
  const right = new Float64Array(count);
  for (const [at, row] of rows.entries()) {
    for (let i = 0; i < count; i++) {
      right[i]! += row[i]! * targets[at]!;
      for (let j = 0; j <= i; j++) products[i * count + j]! += row[i]! * row[j]!;
    }
  }
  for (let i = 0; i < count - 1; i++) products[i * count + i]! += penalty;
  return backward(cholesky(products, count), forward(products, right, count), count);
}

/** In place: the lower triangle becomes the factor. */
function cholesky(matrix: Float64Array, count: number): Float64Array {
  for (let j = 0; j < count; j++) {
    for (let i = j; i < count; i++) {
      let sum = matrix[i * count + j]!;
      for (let k = 0; k < j; k++) sum -= matrix[i * count + k]! * matrix[j * count + k]!;
      matrix[i * count + j] = i === j ? Math.sqrt(sum) : sum / matrix[j * count + j]!;
    }
  }
  return matrix;
}

function forward(factor: Float64Array, right: Float64Array, count: number): Float64Array {
  const solved = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    let sum = right[i]!;
    for (let k = 0; k < i; k++) sum -= factor[i * count + k]! * solved[k]!;
    solved[i] = sum / factor[i * count + i]!;
  }
  return solved;
}

function backward(factor: Float64Array, right: Float64Array, count: number): Float64Array {
  const solved = new Float64Array(count);
  for (let i = count - 1; i >= 0; i--) {
    let sum = right[i]!;
    for (let k = i + 1; k < count; k++) sum -= factor[k * count + i]! * solved[k]!;
    solved[i] = sum / factor[i * count + i]!;
  }
  return solved;
}
