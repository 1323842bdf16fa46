using Ard.Trainers.Attacks;
using Ard.Trainers.Networks;

namespace Ard.Trainers.Evaluation;

/// <summary>Images and labels as a caller has them, a batch at a time as a network wants them.</summary>
internal static class ImageBatch
{
    /// <summary>Checks what an evaluation is given.</summary>
    /// <param name="author">Who asks, for the message.</param>
    /// <param name="images">The images.</param>
    /// <param name="labels">The labels.</param>
    /// <exception cref="ArgumentException">Something is wrong; the message names every fault.</exception>
    public static void Check(string author, Tensor images, Tensor labels)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(labels);
        using var scope = NewDisposeScope();
        var faults = new List<string>();
        if (images.dtype is not (ScalarType.Byte or ScalarType.Float32 or ScalarType.Float64))
            faults.Add($"images are {images.dtype}, expected Byte, Float32 or Float64");
        if (images.dim() < 2)
            faults.Add($"images have shape [{string.Join(",", images.shape)}], expected [N,...] of two or more dimensions");
        else if (images.is_floating_point() && ThreatModel.OutOfRange(images) is { } fault) faults.Add(fault);
        if (labels.dtype != ScalarType.Int64) faults.Add($"labels are {labels.dtype}, expected Int64");
        else if (labels.numel() > 0 && labels.min().item<long>() is < 0 and var smallest)
            faults.Add($"labels have the value {smallest}, expected 0 or more");
        if (labels.dim() != 1 || images.dim() < 1 || labels.shape[0] != images.shape[0])
            faults.Add($"labels have shape [{string.Join(",", labels.shape)}], expected [N] with the N of the images");
        if (faults.Count > 0) throw new ArgumentException($"{author}: {string.Join("; ", faults)}.");
    }

    /// <summary>Checks that a network's output is [count,classes], of two classes or more, and that all labels are among these.</summary>
    /// <param name="author">Who asks, for the message.</param>
    /// <param name="logits">What the network gave.</param>
    /// <param name="count">For how many images.</param>
    /// <param name="labels">The labels of all images.</param>
    /// <exception cref="ArgumentException">The classes do not fit.</exception>
    /// <exception cref="InvalidOperationException">The output is not [count,classes].</exception>
    public static void CheckClasses(string author, Tensor logits, long count, Tensor labels)
    {
        if (logits.dim() != 2 || logits.shape[0] != count)
            throw new InvalidOperationException(
                $"The network's output has shape [{string.Join(",", logits.shape)}], expected [{count},classes].");
        var classes = logits.shape[1];
        if (classes < 2)
            throw new ArgumentException($"{author}: the network has {classes} output, expected one for each of two classes or more.");
        if (labels.numel() > 0 && labels.max().item<long>() is var largest && largest >= classes)
            throw new ArgumentException(
                $"{author}: labels go up to {largest}, the network has {classes} outputs (classes 0 to {classes - 1}).");
    }

    /// <summary>The dtype and the device of a network; of one without parameters float32 and the images' device.</summary>
    public static (ScalarType Type, Device Device) Home(Module<Tensor, Tensor> model, ImageSource images) =>
        model.parameters().FirstOrDefault() is { } parameter ? (parameter.dtype, parameter.device) : (ScalarType.Float32, images.Device);

    /// <summary>Some of the images and labels in the dtype and on the device of a network; bytes are divided by 255.</summary>
    public static (Tensor Images, Tensor Labels) Take(Module<Tensor, Tensor> model, Tensor images, Tensor labels, long first, long count)
    {
        var (type, device) = Home(model, images);
        return (Convert(images.narrow(0, first, count), type, device), labels.narrow(0, first, count).to(device));
    }

    /// <summary>The same of any rows.</summary>
    public static (Tensor Images, Tensor Labels) Take(
        Module<Tensor, Tensor> model, ImageSource images, Tensor labels, IReadOnlyList<long> rows)
    {
        var (type, device) = Home(model, images);
        using var index = tensor(rows.ToArray(), dtype: ScalarType.Int64, device: labels.device);
        return (Convert(images.Rows(rows), type, device), labels.index_select(0, index).to(device));
    }

    /// <summary>Images in another dtype and on another device; bytes are divided by 255.</summary>
    public static Tensor Convert(Tensor images, ScalarType type, Device device) =>
        images.dtype == ScalarType.Byte ? images.to(type, device).Div_(255) : images.to(type, device);

    /// <summary>The class that a network, borrowed for it, takes each point for; -1 where its logits are not finite.</summary>
    /// <inheritdoc cref="CheckClasses"/>
    public static long[] Predict(string author, Module<Tensor, Tensor> model, Tensor points, Tensor labels)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var state = ModelState.Borrow(model);
        var logits = model.call(points);
        CheckClasses(author, logits, points.shape[0], labels);
        return AttackTarget.Predictions(logits).cpu().data<long>().ToArray();
    }
}
