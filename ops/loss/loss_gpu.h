// The losses on a GPU (sigmoid_bce.cu, smooth_l1.cu, cross_entropy.cu, keypoint.cu,
// weighted_sum.cu): each gives its value, [1]; its gradient, where gy [1] is the value's, goes to
// `gz`. Queued on compute_stream(); nothing is read back, so a label out of range, −1 in a list
// that is filled up, takes no part instead of being an error, and a mean is taken over those that
// take part.
#pragma once

#include <vector>

#include "ops/loss/divisor.h"

namespace mr::gpu {

Tensor sigmoid_bce(const Tensor& z, const Tensor& t, const Tensor& w, const Divisor& divisor);  // w may be undefined
void sigmoid_bce_backward(const Tensor& z, const Tensor& t, const Tensor& w, const Divisor& divisor, const Tensor& gy, const Tensor& gz);
Tensor mask_loss(const Tensor& z, const Tensor& labels, const Tensor& t, const Divisor& divisor);
void mask_loss_backward(const Tensor& z, const Tensor& labels, const Tensor& t, const Divisor& divisor, const Tensor& gy, const Tensor& gz);

Tensor smooth_l1(const Tensor& x, const Tensor& t, double beta, const Divisor& divisor);
void smooth_l1_backward(const Tensor& x, const Tensor& t, double beta, const Divisor& divisor, const Tensor& gy, const Tensor& gx);
Tensor class_box_loss(const Tensor& x, const Tensor& labels, const Tensor& t, double beta, const Divisor& divisor);
void class_box_loss_backward(const Tensor& x, const Tensor& labels, const Tensor& t, double beta, const Divisor& divisor, const Tensor& gy,
                             const Tensor& gx);

// Of each row of z [R,K]: its maximum and Σ e^(z − maximum), [R,2] in the accumulation type.
Tensor softmax_partition(const Tensor& z);
void softmax(const Tensor& z, const Tensor& partition, const Tensor& p);
Tensor softmax_cross_entropy(const Tensor& z, const Tensor& partition, const Tensor& labels, int first, const Divisor& divisor);
void softmax_cross_entropy_backward(const Tensor& z, const Tensor& partition, const Tensor& labels, int first, const Divisor& divisor,
                                    const Tensor& gy, const Tensor& gz);
// The class of each pixel for softmax_mask_loss, i32 [R·pixels].
Tensor mask_classes(const Tensor& labels, const Tensor& t, int64_t classes);

Tensor keypoint_labels(const Tensor& keypoints, const Tensor& boxes, int m);
Tensor keypoint_partition(const Tensor& z);  // of each map: [R,K,2]
Tensor keypoint_loss(const Tensor& z, const Tensor& partition, const Tensor& labels, const Divisor& divisor);
void keypoint_loss_backward(const Tensor& z, const Tensor& partition, const Tensor& labels, const Divisor& divisor, const Tensor& gy,
                            const Tensor& gz);
Tensor keypoint_decode(const Tensor& logits, const Tensor& boxes);  // a box that is not finite or too long gives NaN

Tensor weighted_sum(const std::vector<Tensor>& terms, const Tensor& weights);          // weights may be undefined
void weighted_sum_backward(const Tensor& gy, const Tensor& weights, const Tensor& g);  // g: [n]

// How many labels lie in [first, end): i32 [1].
Tensor count_labels(const Tensor& labels, int64_t first, int64_t end);

}  // namespace mr::gpu
