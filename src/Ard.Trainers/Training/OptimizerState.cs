using TorchSharp.Modules;

namespace Ard.Trainers.Training;

/// <summary>What an optimizer remembers between steps, as tensors by parameter name.</summary>
internal static class OptimizerState
{
    /// <summary>Names such as <c>conv1.weight.momentum_buffer</c>. The tensors are the optimizer's own; counts are new tensors.</summary>
    public static IEnumerable<(string Name, Tensor Value)> Read(OptimizerHelper optimizer, IReadOnlyList<string> parameterNames)
    {
        foreach (var (name, state) in parameterNames.Zip(optimizer.state_dict().State))
        {
            // A parameter that has had no gradient yet has no momentum.
            if (state is SGD.State { momentum_buffer: { } momentum }) yield return ($"{name}.momentum_buffer", momentum);
            if (state is not Adam.State adam) continue;
            yield return ($"{name}.step", tensor(adam.step));
            yield return ($"{name}.exp_avg", adam.exp_avg);
            yield return ($"{name}.exp_avg_sq", adam.exp_avg_sq);
        }
    }

    /// <summary>Puts back what <see cref="Read"/> gave into a fresh optimizer of the same kind and parameters.</summary>
    public static void Restore(OptimizerHelper optimizer, IReadOnlyList<string> parameterNames, IReadOnlyDictionary<string, Tensor> values)
    {
        foreach (var ((name, parameter), state) in parameterNames.Zip(optimizer.parameters()).Zip(optimizer.state_dict().State))
        {
            if (state is SGD.State sgd) Set("momentum_buffer", ref sgd.momentum_buffer);
            if (state is not Adam.State adam) continue;
            adam.step = values[$"{name}.step"].item<long>();
            Set("exp_avg", ref adam.exp_avg);
            Set("exp_avg_sq", ref adam.exp_avg_sq);

            // The optimizer's tensors live as long as it does, not as long as the current scope.
            void Set(string field, ref Tensor target)
            {
                if (!values.TryGetValue($"{name}.{field}", out var value)) return;
                target?.Dispose();
                target = value.to(parameter.dtype, parameter.device, copy: true).DetachFromDisposeScope();
            }
        }
    }
}
