namespace Ard.Trainers.Networks;

/// <summary>Puts back on disposal what was changed for a while.</summary>
internal sealed class PutBack(Action action) : IDisposable
{
    public void Dispose() => action();
}

/// <summary>A network as it is for a while; what was changed is put back when the result is disposed.</summary>
internal static class ModelState
{
    /// <summary>The whole network in eval mode; then every module has its own mode again.</summary>
    public static IDisposable Eval(Module model)
    {
        (Module Module, bool Training)[] modes = [.. model.modules().Prepend(model).Distinct().Select(module => (module, module.training))];
        model.eval();
        return new PutBack(() =>
        {
            // Setting a module's mode sets that of everything inside it, and modules come before what they hold.
            foreach (var (module, training) in modes)
                if (module.training != training) module.train(training);
        });
    }

    /// <summary>Parameters without gradients, which spares the work that only they would need.</summary>
    public static IDisposable Freeze(Module model)
    {
        Tensor[] trainable = [.. model.parameters().Where(parameter => parameter.requires_grad)];
        foreach (var parameter in trainable) parameter.requires_grad = false;
        return new PutBack(() =>
        {
            foreach (var parameter in trainable) parameter.requires_grad = true;
        });
    }

    /// <summary>Ready to be attacked: in eval mode, frozen, folded, and with its buffers, should they move.</summary>
    public static IDisposable Borrow(Module model)
    {
        // What may fail comes before anything is changed.
        (Tensor Buffer, Tensor Copy)[] buffers = BufferState.Copies(model);
        var modes = Eval(model);
        var parameters = Freeze(model);
        var norms = FoldedNorm.Fold(model);
        return new PutBack(() =>
        {
            norms.Dispose();
            parameters.Dispose();
            modes.Dispose();
            using var scope = NewDisposeScope();
            using var noGrad = no_grad();
            if (buffers.Length == 0) return;
            // One wait for the device. Written is only what has moved: it would invalidate a graph of the caller's that uses the buffer.
            var device = buffers[0].Buffer.device;
            var same = stack(buffers.Select(each => each.Buffer.eq(each.Copy).all().to(device))).cpu().data<bool>().ToArray();
            for (var i = 0; i < buffers.Length; i++)
            {
                if (!same[i]) buffers[i].Buffer.copy_(buffers[i].Copy);
                buffers[i].Copy.Dispose();
            }
        });
    }
}

/// <summary>The buffers of a network, such as running statistics, as they were, to be put back. Waits for nothing.</summary>
internal sealed class BufferState : IDisposable
{
    private readonly (Tensor Buffer, Tensor Copy)[] buffers;

    private BufferState(Module model) => buffers = Copies(model);

    /// <summary>Puts the present buffers back when the result is disposed. Graphs that use them are of no use after that.</summary>
    public static BufferState Capture(Module model) => new(model);

    internal static (Tensor Buffer, Tensor Copy)[] Copies(Module model) =>
        [.. model.buffers().Select(buffer => (buffer, buffer.detach().clone().DetachFromDisposeScope()))];

    /// <summary>From now on the buffers as they are now are what will be put back.</summary>
    public void Update()
    {
        using var noGrad = no_grad();
        foreach (var (buffer, copy) in buffers) copy.copy_(buffer);
    }

    public void Dispose()
    {
        using var noGrad = no_grad();
        foreach (var (buffer, copy) in buffers)
        {
            buffer.copy_(copy);
            copy.Dispose();
        }
    }
}
