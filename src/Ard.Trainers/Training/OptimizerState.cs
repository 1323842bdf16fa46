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
            switch (state)
            {
                case SGD.State sgd:
                    // A parameter that has had no gradient yet has no momentum.
                    if (sgd.momentum_buffer is not null) yield return ($"{name}.momentum_buffer", sgd.momentum_buffer);
                    break;
                case Adam.State adam:
                    yield return ($"{name}.step", tensor(adam.step));
                    yield return ($"{name}.exp_avg", adam.exp_avg);
                    yield return ($"{name}.exp_avg_sq", adam.exp_avg_sq);
                    break;
                case AdamW.State adamW:
                    yield return ($"{name}.step", tensor(adamW.step));
                    yield return ($"{name}.exp_avg", adamW.exp_avg);
                    yield return ($"{name}.exp_avg_sq", adamW.exp_avg_sq);
                    break;
                default:
                    throw new NotSupportedException(
                        $"The state of {optimizer.GetType().Name} cannot be stored: expected SGD, Adam or AdamW.");
            }
        }
    }

    /// <summary>Puts back what <see cref="Read"/> gave into a fresh optimizer of the same kind and parameters.</summary>
    public static void Restore(OptimizerHelper optimizer, IReadOnlyList<string> parameterNames, IReadOnlyDictionary<string, Tensor> values)
    {
        foreach (var ((name, parameter), state) in parameterNames.Zip(optimizer.parameters()).Zip(optimizer.state_dict().State))
        {
            // The optimizer's tensors live as long as it does, not as long as the current scope.
            void Set(string field, ref Tensor target)
            {
                if (!values.TryGetValue($"{name}.{field}", out var value)) return;
                target?.Dispose();
                target = value.to(parameter.dtype, parameter.device, copy: true).DetachFromDisposeScope();
            }

            switch (state)
            {
                case SGD.State sgd:
                    Set("momentum_buffer", ref sgd.momentum_buffer);
                    break;
                case Adam.State adam:
                    adam.step = values[$"{name}.step"].item<long>();
                    Set("exp_avg", ref adam.exp_avg);
                    Set("exp_avg_sq", ref adam.exp_avg_sq);
                    break;
                case AdamW.State adamW:
                    adamW.step = values[$"{name}.step"].item<long>();
                    Set("exp_avg", ref adamW.exp_avg);
                    Set("exp_avg_sq", ref adamW.exp_avg_sq);
                    break;
            }
        }
    }
}
