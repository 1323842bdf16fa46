namespace Ard.Trainers.Distributed;

/// <summary>
/// Makes of the gradients that each process has of its share of a batch those of the whole batch: one flat buffer, one sum. On a GPU the
/// buffer goes through pinned memory of the host, unless the group's MPI takes that of GPUs.
/// </summary>
internal sealed class SharedGradients : IDisposable
{
    private readonly (Tensor Parameter, Tensor Part)[] parts;
    private readonly Tensor beside;
    private readonly Tensor flat;
    private readonly Tensor host;

    /// <summary>Room for the gradients of these, and for some numbers beside them.</summary>
    public SharedGradients(ProcessGroup group, IReadOnlyCollection<Tensor> parameters, int numbers)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var (type, device) = (parameters.First().dtype, parameters.First().device);
        numbers += parameters.Count;
        flat = zeros([parameters.Sum(parameter => parameter.numel()) + numbers], type, device).DetachFromDisposeScope();
        host = device.type == DeviceType.CPU || group.TakesDeviceMemory ? flat.alias() : zeros(flat.shape, type).pin_memory();
        host.DetachFromDisposeScope();
        long first = 0;
        parts =
        [
            .. parameters.Select(parameter =>
            {
                var part = flat.narrow(0, first, parameter.numel()).view(parameter.shape).DetachFromDisposeScope();
                first += parameter.numel();
                return (parameter, part);
            }),
        ];
        beside = host.narrow(0, first, numbers).DetachFromDisposeScope();
    }

    /// <summary>
    /// Gradients that are means over a process's rows become those over the batch, also of parameters that had none in this process, such
    /// as those of a layer that it has skipped by chance. Returned are the numbers' sums.
    /// </summary>
    public double[] Average(BatchShare share, params double[] numbers)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        foreach (var (parameter, part) in parts)
        {
            // What counts for nothing must not spread what is not finite.
            if (HasGradient(parameter)) part.copy_(parameter.grad!);
            else part.zero_();
        }
        flat.Mul_((double)share.Own);
        if (host.device.type != flat.device.type) host.copy_(flat);
        var all = beside.narrow(0, 0, parts.Length + numbers.Length);
        all.copy_(tensor([.. parts.Select(each => HasGradient(each.Parameter) ? 1.0 : 0), .. numbers]));
        share.Group.Sum(host);
        double[] sums = [.. all.to(ScalarType.Float64, CPU).data<double>()];
        if (host.device.type != flat.device.type) flat.copy_(host);
        flat.Div_((double)share.Count);
        foreach (var ((parameter, part), processes) in parts.Zip(sums))
        {
            if (parameter.grad is { } gradient) gradient.copy_(part);
            else if (processes > 0) parameter.grad = part.clone().DetachFromDisposeScope();
        }
        return sums[parts.Length..];

        bool HasGradient(Tensor parameter) => parameter.grad is not null && share.Own > 0;
    }

    public void Dispose()
    {
        foreach (var (_, part) in parts) part.Dispose();
        foreach (var tensor in new[] { beside, host, flat }) tensor.Dispose();
    }
}
