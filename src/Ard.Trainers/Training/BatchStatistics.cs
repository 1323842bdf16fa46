using TorchSharp.Modules;

namespace Ard.Trainers.Training;

/// <summary>The running statistics of a network's batch normalisation, computed anew.</summary>
internal static class BatchStatistics
{
    /// <summary>
    /// Running means and variances become the means of the batches' own over as many images as an epoch has, each batch counting by its
    /// images: the training images as they are, with auxiliary ones as in training, shuffled and drawn by the seed. Where batches would
    /// have one image, there are fewer. Everything else is left as found; only batch normalisation is in train mode meanwhile, and what the
    /// network's own train mode leaves frozen is not touched.
    /// </summary>
    public static void Recompute(Module<Tensor, Tensor> network, TrainingImages images, long seed, int batchSize, ProcessGroup group)
    {
        var layers = network.modules().OfType<BatchNorm>().Where(layer => layer.track_running_stats).ToArray();
        if (layers.Length == 0) return;
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var dtype = network.parameters().First().dtype;
        using var modes = ModelState.Eval(network);
        network.train();
        layers = [.. layers.Where(layer => layer.training)];
        network.eval();
        double?[] momenta = [.. layers.Select(layer => layer.momentum)];
        using var putBack = new PutBack(() =>
        {
            foreach (var (layer, momentum) in layers.Zip(momenta)) layer.momentum = momentum;
        });
        using var statistics = BufferState.Capture(network);
        foreach (var layer in layers)
        {
            layer.reset_running_stats();
            layer.train();
        }
        var count = images.Epoch;
        var batches = (count + batchSize - 1) / batchSize;
        if (batchSize > 1) batches = Math.Max(1, Math.Min(batches, count / 2));
        using var generator = new Generator(unchecked((ulong)seed), CPU);
        // In the order of a data set a batch may be of one class.
        var order = randperm(count, dtype: ScalarType.Int64, generator: generator);
        long seen = 0;
        for (long batch = 0; batch < batches; batch++)
        {
            using var step = NewDisposeScope();
            var (first, end) = (count * batch / batches, count * (batch + 1) / batches);
            var numbers = images.Draw(order.narrow(0, first, end - first), generator);
            if (batch % group.Size != group.Rank) continue;
            seen += end - first;
            // With this momentum each batch so far has its share of the images in the mean.
            foreach (var layer in layers) layer.momentum = (double)(end - first) / seen;
            network.call(images.Batch(numbers).Images.to(dtype));
        }
        Average(layers.SelectMany(layer => layer.buffers()).Where(buffer => buffer.is_floating_point()), group, seen, count);
        // The counters of batches.
        Average(layers.SelectMany(layer => layer.buffers()).Where(buffer => !buffer.is_floating_point()), group, 1, 1);
        // The new ones stay; where anything fails, the old ones.
        statistics.Update();
    }

    /// <summary>Running statistics become their mean over the processes, each by its weight. What is the same in all stays.</summary>
    public static void Average(IEnumerable<Tensor> buffers, ProcessGroup group, double weight, double total)
    {
        if (group.Size == 1) return;
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        Tensor[] all = [.. buffers];
        if (all.Length == 0) return;
        var flat = cat([.. all.Select(buffer => buffer.to(ScalarType.Float64, CPU).flatten())]).Mul_(weight);
        group.Sum(flat);
        flat.Div_(total);
        long first = 0;
        foreach (var buffer in all)
        {
            buffer.copy_(flat.narrow(0, first, buffer.numel()).view(buffer.shape));
            first += buffer.numel();
        }
    }
}
