import { PageHead } from '@/ui/page'
import { StacksCard } from './stack-picker'

export function StacksPage() {
  return (
    <>
      <PageHead
        documentTitle="Stacks"
        title="Stacks"
        lead="The Compose projects that Mainstay can back up."
      />
      <StacksCard />
    </>
  )
}
